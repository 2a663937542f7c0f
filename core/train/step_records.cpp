#include "core/train/step_records.h"

#include "gptcore/event_fields.h"

namespace gptcore {
namespace {

void append_layer_norms(const LayerNorms& measured, Table& fields) {
  if (measured.layers.empty()) return;
  const at::Tensor norms = measured.norms.to(at::kCPU, at::kDouble);
  for (size_t i = 0; i < measured.layers.size(); ++i)
    fields.emplace_back("grad_norm." + measured.layers[i], norms.const_data_ptr<double>()[i]);
}

}  // namespace

StepRecords::StepRecords(StageRun& run, const BatchFeed& feed) : run_(run), feed_(feed) {
  if (run.options.log_timing) timing_.emplace(run.context.step.device);
}

void StepRecords::add(const StepResult& result, double seconds) {
  had_target_ = had_target_ || result.has_targets;
  if (!result.has_targets) ++blank_updates_;
  meter_.seconds += seconds;
  ++meter_.updates;
  meter_.tokens += static_cast<double>(feed_.tokens_per_update());
  meter_.flops += feed_.flops_per_update() * static_cast<double>(result.computed) / static_cast<double>(feed_.accumulation());
}

void StepRecords::emit(const StepResult& result, double learning_rate) {
  const TrainContext& c = run_.context;
  const TrainState& state = run_.state;
  const TrainOptions& o = run_.options;
  const double per_update = meter_.seconds / meter_.updates;
  const double rate = meter_.tokens / meter_.seconds, flops = meter_.flops / meter_.seconds;
  meter_ = {};
  Table fields{{field::kIter, run_.global_step() - 1}};
  if (result.has_targets)
    fields.emplace_back(field::kLoss, static_cast<double>(result.loss.item<float>()));
  else
    fields.emplace_back(field::kNoTargets, List{name_of(Split::train)});
  fields.emplace_back(field::kLr, learning_rate);
  if (result.has_targets) fields.emplace_back(field::kGradNorm, static_cast<double>(result.grad_norm.item<float>()));
  fields.emplace_back(field::kMs, per_update * 1e3);
  fields.emplace_back(field::kTokensPerSecond, rate);
  if (c.peak_flops > 0 && flops > 0)
    fields.emplace_back(field::kMfu, flops / (c.peak_flops * static_cast<double>(c.group.size())));
  fields.emplace_back(field::kTokens, state.tokens);
  fields.emplace_back(field::kMaxIters, o.max_iters);
  fields.emplace_back(field::kProgress, static_cast<double>(state.step) / static_cast<double>(o.max_iters));
  fields.emplace_back(field::kEtaSeconds, per_update * static_cast<double>(o.max_iters - state.step));
  if (timing_)
    for (auto& field : timing_->fields()) fields.push_back(std::move(field));
  if (result.has_targets) append_layer_norms(result.layer_norms, fields);
  record_ = fields;
  c.bus.emit(Event::step_ended, run_.global_step(), std::move(fields));
}

void StepRecords::warn_without_targets() const {
  if (had_target_ || blank_updates_ == 0) return;
  run_.warn(
      "no target was in any of the " + std::to_string(blank_updates_) + " updates up to step " +
      std::to_string(run_.global_step()) +
      ", and they changed no weight: check what the dataset masks, and whether block_size is long enough to reach a target");
}

}  // namespace gptcore
