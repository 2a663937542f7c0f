#include "core/pipeline/plan.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/model/layer_names.h"
#include "core/model/vocabulary.h"
#include "core/pipeline/stage_items.h"
#include "core/surgery/commit.h"
#include "core/train/trainer.h"

namespace gptcore {
namespace {

Shapes shapes_of(Network& network) {
  Shapes all;
  for (const Parameter& p : network.parameters()) all[p.name] = p.tensor.sizes().vec();
  return all;
}

std::string text_of(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "(" + text + ")";
}

std::vector<std::string> differences(const Shapes& before, const Shapes& after) {
  std::vector<std::string> lines;
  for (const auto& [name, shape] : after) {
    const auto old = before.find(name);
    if (old == before.end())
      lines.push_back("+ " + name + " " + text_of(shape));
    else if (old->second != shape)
      lines.push_back(name + " " + text_of(old->second) + " -> " + text_of(shape));
  }
  for (const auto& [name, shape] : before)
    if (!after.contains(name)) lines.push_back("- " + name + " " + text_of(shape));
  return lines;
}

void measure(Network& network, PlannedOperation& row) {
  for (const Parameter& p : network.parameters()) {
    row.params += p.tensor.numel();
    if (p.tensor.requires_grad()) row.trainable += p.tensor.numel();
  }
  row.bytes = 4 * (row.params + 3 * row.trainable);
}

// Tells when the operations of a stage fire at the latest, as far as the pipeline says.
class Times {
 public:
  Times(const TrainOptions& options, int64_t block_size)
      : options_(options), tokens_per_update_(options.batch_size * accumulation_steps(options, block_size, 1) * block_size) {}

  // Returns the number of updates, or nullopt when it is unknown. Call it in the pipeline's order.
  std::optional<int64_t> of(const When& when) {
    if (when.in_sequence()) return of_sequence(when);
    std::vector<int64_t> known;
    size_t conditions = 0;
    const auto add = [&](const auto& condition, auto updates) {
      if (!condition) return;
      ++conditions;
      if (const std::optional<int64_t> at = updates(*condition)) known.push_back(*at);
    };
    const auto itself = [](int64_t n) { return std::optional<int64_t>(n); };
    const auto unknown = [](const auto&) { return std::optional<int64_t>(); };
    add(when.every, itself);
    add(when.at_iter, itself);
    add(when.tokens, [&](int64_t n) { return std::optional((n + tokens_per_update_ - 1) / tokens_per_update_); });
    add(when.after_iters, [&](int64_t n) { return std::optional(evaluation_from(n)); });
    add(when.seconds, unknown);
    add(when.grad_norm_above, unknown);
    add(when.loss_below, unknown);
    add(when.plateau, unknown);
    add(when.metric, unknown);
    if (known.empty() || (when.all && known.size() < conditions)) return std::nullopt;
    return when.all ? *std::max_element(known.begin(), known.end()) : *std::min_element(known.begin(), known.end());
  }

 private:
  int64_t evaluation_from(int64_t updates) const {
    if (options_.eval_interval == 0) return options_.max_iters;
    return std::min(options_.max_iters,
                    (updates + options_.eval_interval - 1) / options_.eval_interval * options_.eval_interval);
  }
  std::optional<int64_t> of_sequence(const When& when) {
    const bool now = when.trigger_loss && std::isinf(*when.trigger_loss);
    if (!now && !when.max_wait_iters) return std::nullopt;
    return sequence_ = now ? evaluation_from(sequence_) : evaluation_from(sequence_ + *when.max_wait_iters);
  }

  const TrainOptions options_;
  int64_t tokens_per_update_, sequence_ = 0;
};

class Planner {
 public:
  Planner(const PipelineConfig& config, Session& session, Effects effects, bool goes_on)
      : effects_(effects), goes_on_(goes_on), config_(config), session_(session), factory_(session.factory()) {
    session_.maker.use(config);
    structure_ = session_.structure;
    network_ = factory_.network(structure_);
    clear_adapters();
  }

  SchedulePlan plan() {
    std::swap(session_.model, network_);
    auto items = open_stage_items(config_, session_, static_cast<uint64_t>(config_.run.as<RunOptions>().seed));
    std::swap(session_.model, network_);
    for (const StageConfig& stage : config_.stages)
      if (stage.kind == "train") plan_stage(stage, items.at(stage.name));
    return std::move(out_);
  }

 private:
  // Zeroes the adapters' parameters. An adapter of another rank takes over what the old one adds, which must be finite.
  void clear_adapters() {
    const at::NoGradGuard no_grad;
    for (const AdapterInfo& a : network_->adapters())
      for (const Parameter& p : network_->parameters())
        if (belongs(p.name, a.layer + "." + a.item)) p.tensor.detach().zero_();
  }

  struct Timed {
    size_t index = 0;
    std::optional<int64_t> step;
    int64_t place = 0;  // `step`, or the place of the operation before it in the pipeline
  };
  std::vector<Timed> in_time(const std::vector<ScheduledOperation>& operations) const {
    Times times(options_, network_->block_size());
    std::vector<Timed> all;
    for (size_t i = 0; i < operations.size(); ++i) {
      Timed one{i, {}, all.empty() ? 0 : all.back().place};
      if (operations[i].when && !operations[i].completed) one.step = times.of(*operations[i].when);
      if (one.step) one.place = *one.step;
      all.push_back(one);
    }
    std::stable_sort(all.begin(), all.end(), [](const Timed& a, const Timed& b) { return a.place < b.place; });
    return all;
  }

  // Returns whether an operation that does not undo may come before this one. Of the same sequence, only those before it may.
  static bool may_follow_others(const std::vector<ScheduledOperation>& operations, size_t index) {
    const auto in_sequence = [&](size_t i) { return operations[i].when && operations[i].when->in_sequence(); };
    for (size_t i = 0; i < operations.size(); ++i)
      if (i != index && operations[i].effects != kUndoes && !(in_sequence(i) && in_sequence(index) && i > index)) return true;
    return false;
  }

  void plan_stage(const StageConfig& stage, StageItems& items) {
    options_ = std::get<TrainOptions>(stage.options);
    settings_.clear();
    now_ = TrainingView{};
    const auto& operations = items.operations.operations();
    for (const Timed& timed : in_time(operations)) {
      const ScheduledOperation& operation = operations[timed.index];
      if (operation.completed || (effects_ != kAnyOrNone && (operation.effects & effects_) == 0)) continue;
      PlannedOperation row;
      row.stage = stage.name;
      row.operation = operation.name;
      row.step = timed.step;
      row.where = stage.operations[timed.index].location.text();
      if (!operation.when) {  // it may plan repeatedly, by what it sees of the run
        row.trigger = "as it sees fit";
        measure(*network_, row);
        out_.rows.push_back(std::move(row));
        continue;
      }
      row.trigger = text_of(*operation.when);
      now_.step = std::clamp(timed.place, now_.step, std::max(now_.step, options_.max_iters));
      can_undo_ = goes_on_ || may_follow_others(operations, timed.index);
      try {
        plan_operation(operation, row);
      } catch (const Error& e) {
        const std::string who = e.code() == Code::plugin_failed ? "" : "operation '" + operation.name + "': ";
        out_.errors.emplace_back(e.code(), who + e.what(), e.hint(), e.where().empty() ? row.where : e.where());
      }
    }
  }

  void plan_operation(const ScheduledOperation& operation, PlannedOperation& row) {
    refresh();
    const NetworkView view(*network_);
    EditSupport support;
    const TrainOptions options = with_settings(options_, settings_);
    support.options = &options;
    support.adapter_values = [&](const std::string& item, const Table& values) {
      return session_.maker.adapter_values(item, values);
    };
    support.data_vocab_size = session_.whole_vocab_size();
    support.can_undo = can_undo_;
    PlannedEdit edit(view, operation.effects, support);
    operation.operation->plan(now_, edit);
    edit.require_something_to_train();
    if ((effects_ & kControlsData) && session_.dataset) try_controls(edit);
    row.changes = edit.lines();
    row.tolerance = edit.tolerance;
    Table settings = settings_;
    put_all(settings, edit.settings);
    accumulation_steps(with_settings(options_, settings), network_->block_size(), 1);
    const Shapes before = shapes_of(*network_);
    if (!edit.edits.empty()) {
      CommitContext context{*network_, nullptr, *session_.group, factory_, structure_};
      context.rebuild = [](const NamedMoments*) {};
      commit_edits(context, edit);
    }
    settings_ = std::move(settings);
    row.shapes = differences(before, shapes_of(*network_));
    measure(*network_, row);
    out_.rows.push_back(std::move(row));
  }

  // Throws unless the dataset has the controls and takes the values.
  void try_controls(PlannedEdit& edit) {
    if (std::none_of(edit.edits.begin(), edit.edits.end(),
                     [](const Edit& one) { return std::holds_alternative<SetData>(one); }))
      return;
    const std::string before = session_.dataset->save();
    const std::vector<int32_t> shown = shown_ids(session_.dataset.get());
    std::vector<int32_t> now = shown;
    for (const Edit& one : edit.edits) {
      const auto* control = std::get_if<SetData>(&one);
      if (!control) continue;
      session_.dataset->set(control->key, control->value);
      now = shown_ids(session_.dataset.get());
      session_.dataset->load(before);
    }
    edit.show_tokens(shown, now);
  }

  void refresh() {
    const TrainOptions options = with_settings(options_, settings_);
    now_.learning_rate = options.learning_rate;
    now_.batch_size = options.batch_size;
    now_.gradient_accumulation_steps = options.gradient_accumulation_steps;
    now_.max_iters = options.max_iters;
  }

  Effects effects_;
  bool goes_on_;
  const PipelineConfig& config_;
  Session& session_;
  NetworkFactory factory_;
  Structure structure_;
  std::unique_ptr<Network> network_;
  TrainOptions options_;
  Table settings_;
  TrainingView now_;
  bool can_undo_ = false;  // another operation may have succeeded when this one fires
  SchedulePlan out_;
};

}  // namespace

SchedulePlan plan_schedule(const PipelineConfig& config, Session& session, Effects effects, bool goes_on) {
  return Planner(config, session, effects, goes_on).plan();
}

}  // namespace gptcore
