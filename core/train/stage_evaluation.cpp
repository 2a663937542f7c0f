#include "core/train/stage_evaluation.h"

#include <cmath>
#include <utility>

#include "gptcore/event_fields.h"

namespace gptcore {

std::optional<double> StageEvaluation::split_loss(Split split, const EvaluationPlan& plan, bool interruptible) {
  TrainContext& c = run_.context;
  return evaluate_loss(c.step.model, c.dataset, c.dataset_mutex, split, plan, c.group, c.step.device,
                       [&, tell = evaluation_progress(c.host, split)](int64_t batch, int64_t batches) {
                         tell(batch, batches);
                         return !interruptible || c.signals.received() == 0;
                       });
}

std::optional<double> StageEvaluation::val_split_loss(const EvaluationPlan& plan) {
  return split_loss(has_val_split() ? Split::val : Split::train, plan, /*interruptible=*/false);
}

std::optional<double> StageEvaluation::val_loss(const EvaluationPlan& plan) {
  return measured_ == plan ? run_.state.val_loss : val_split_loss(plan);
}

void StageEvaluation::measure_val_loss_again() {
  const EvaluationPlan plan = evaluation_plan(run_.options);
  run_.state.val_loss = val_split_loss(plan);
  measured_ = plan;
}

// Losses over other windows do not compare with the best one, and say nothing about patience.
void StageEvaluation::compare_from_now(const EvaluationPlan& plan) {
  TrainState& state = run_.state;
  if (state.best_measured && !same_windows(*state.best_measured, plan)) {
    const bool tells = std::isfinite(state.best_val_loss) && !run_.options.eval_only;
    const int64_t former = run_.context.checkpoints.marked_best();
    if (former >= 0) state.former_bests.insert(former);
    state.forget_best();
    run_.context.operations.restart_plateaus();
    if (tells)
      run_.info(
          "evaluations take other windows than before, and earlier val losses do not compare with later ones: the best "
          "model and patience count from step " +
          std::to_string(run_.global_step()) +
          (former < 0 ? "" : "; the best checkpoint until then, of step " + std::to_string(former) + ", is kept"));
  }
  state.best_measured = plan;
}

std::optional<StageEvaluation::Measured> StageEvaluation::measure(Timing* timing) {
  TrainContext& c = run_.context;
  TrainState& state = run_.state;
  const TrainOptions& o = run_.options;
  Stopwatch watch(timing);
  c.bus.emit(Event::evaluation_started, run_.global_step());
  const EvaluationPlan plan = evaluation_plan(o);
  const std::optional<double> train_loss = split_loss(Split::train, plan, /*interruptible=*/true);
  const std::optional<double> val_loss = has_val_split() ? split_loss(Split::val, plan, /*interruptible=*/true) : train_loss;
  if (run_.largest(c.signals.received() != 0 ? 1 : 0) > 0) return std::nullopt;
  compare_from_now(plan);
  measured_ = plan;
  state.evaluated_step = state.step;
  state.train_loss = train_loss;
  state.val_loss = val_loss;
  Measured measured;
  state.patience.observe(val_loss, o.min_delta);
  if (val_loss && *val_loss < state.best_val_loss) measured.former_best = std::exchange(state.best_val_loss, *val_loss);
  Table& fields = measured.fields;
  add_loss(fields, Split::train, train_loss);
  if (has_val_split()) add_loss(fields, Split::val, val_loss);
  if (std::isfinite(state.best_val_loss)) fields.emplace_back(field::kBest, state.best_val_loss);
  fields.emplace_back(field::kWholeSplit, o.eval_iters == kWholeSplit);
  if (o.eval_iters != kWholeSplit) fields.emplace_back(field::kBatches, o.eval_iters);
  for (auto& metric : c.evaluators.run(run_.view, c.group, c.bus, c.host, run_.global_step()))
    fields.push_back(std::move(metric));
  watch.lap(StepSection::evaluation);
  if (timing) timing->end_evaluation();
  return measured;
}

}  // namespace gptcore
