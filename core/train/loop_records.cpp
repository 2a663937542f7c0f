// What the training loop publishes.
#include <cmath>

#include "core/train/loop.h"

namespace gptcore {
namespace {

void append_layer_norms(const LayerNorms& measured, Table& fields) {
  if (measured.layers.empty()) return;
  const at::Tensor norms = measured.norms.to(at::kCPU, at::kDouble);
  for (size_t i = 0; i < measured.layers.size(); ++i)
    fields.emplace_back("grad_norm." + measured.layers[i], norms.const_data_ptr<double>()[i]);
}

}  // namespace

void Loop::emit_step(const StepResult& result, double lr) {
  const double per_update = meter_.seconds / meter_.updates;
  const double rate = meter_.tokens / meter_.seconds, flops = meter_.flops / meter_.seconds;
  meter_ = {};
  Table fields{{"iter", global_step() - 1}};
  if (result.has_loss)
    fields.emplace_back("loss", static_cast<double>(result.loss.item<float>()));
  else
    fields.emplace_back("no_targets", List{name_of(Split::train)});
  fields.emplace_back("lr", lr);
  if (result.has_gradient) fields.emplace_back("grad_norm", static_cast<double>(result.grad_norm.item<float>()));
  fields.emplace_back("ms", per_update * 1e3);
  fields.emplace_back("tokens_per_s", rate);
  if (c_.peak_flops > 0 && flops > 0)
    fields.emplace_back("mfu", flops / (c_.peak_flops * static_cast<double>(c_.group.size())));
  fields.emplace_back("tokens", s_.tokens);
  fields.emplace_back("max_iters", o_.max_iters);
  fields.emplace_back("progress", static_cast<double>(s_.step) / static_cast<double>(o_.max_iters));
  fields.emplace_back("eta_s", per_update * static_cast<double>(o_.max_iters - s_.step));
  if (timing_)
    for (auto& field : timing_->fields()) fields.push_back(std::move(field));
  if (result.has_gradient) append_layer_norms(result.layer_norms, fields);
  record_ = fields;
  c_.bus.emit(Event::step_ended, global_step(), std::move(fields));
}

void Loop::emit_edit(const std::string& operation, const std::vector<std::string>& lines, const PlannedEdit& plan,
                     const CommitReport& report) {
  Table fields{{"operation", operation}, {"edit", edits() - 1}, {"changes", List(lines.begin(), lines.end())}};
  if (!plan.edits.empty()) {
    fields.emplace_back("params", report.parameters);
    fields.emplace_back("trainable", report.trainable);
    fields.emplace_back("moments_carried", report.moments_carried);
    fields.emplace_back("moments_new", report.moments_new);
  }
  if (std::isfinite(report.moved)) {
    fields.emplace_back("logits_moved", report.moved);
    fields.emplace_back("loss_before", report.loss_before);
    fields.emplace_back("loss_after", report.loss_after);
  }
  c_.bus.emit(Event::model_edited, global_step(), std::move(fields));
  if (plan.reshapes()) c_.evaluators.model_changed(operation, c_.host);
}

}  // namespace gptcore
