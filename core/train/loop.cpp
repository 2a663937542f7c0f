#include "core/train/loop.h"

#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "core/optim/schedule.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Clock = std::chrono::steady_clock;
using Must = CheckpointWriter::Must;
using Asked = CheckpointWriter::Asked;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

TrainEnd back_to(Rewind rewind) {
  return {StageEnd::rewound, std::move(rewind)};
}

}  // namespace

Loop::Loop(const TrainOptions& options, TrainContext& context, TrainState& state)
    : run_(options, context, state),
      feed_(run_),
      records_(run_, feed_),
      guard_(run_),
      evaluation_(run_),
      writer_(run_),
      operations_(run_, feed_, evaluation_, writer_) {}

TrainEnd Loop::run() {
  const TrainOptions& o = run_.options;  // operations change them
  TrainState& state = run_.state;
  writer_.note_place();
  if (!std::exchange(state.started, true))
    if (auto back = operations_.ask(Event::stage_started, records_.take())) return back_to(*std::move(back));
  while (true) {
    while (state.round && !o.eval_only)  // of a run that was cut off there
      if (auto end = operations_.finish_round(); end.rewind) return back_to(*std::move(end.rewind));
    const bool last = run_.finished();
    const bool due = last || o.eval_only || (o.eval_interval > 0 && state.step % o.eval_interval == 0);
    const bool measured = state.evaluated_step == state.step && !o.eval_only;
    if (due && !measured)
      if (auto ended = evaluate()) return *std::move(ended);
    if (last || o.eval_only) return end(StageEnd::finished);
    if (o.patience > 0 && state.patience.evaluations >= o.patience) return end(StageEnd::early_stopped);
    if (auto back = update()) return back_to(*std::move(back));
    if (auto back = operations_.ask(Event::step_ended, records_.take())) return back_to(*std::move(back));
    run_.agree(writer_.memory_is_short());
    if (o.checkpoint_interval > 0 && state.step % o.checkpoint_interval == 0 && !run_.finished())
      writer_.save(false, Must::try_again_later, Asked::by_schedule);
    writer_.save_when_memory_is_short();
    if (run_.stops()) return end(StageEnd::interrupted);
  }
}

TrainEnd Loop::end(StageEnd how) {
  if (!writer_.is_saved() && (how == StageEnd::interrupted || !run_.options.eval_only))
    writer_.save(false, Must::succeed, Asked::in_between);
  if (how != StageEnd::interrupted) {
    records_.warn_without_targets();
    require_finite_losses();
  }
  return {how, std::nullopt};
}

std::optional<Rewind> Loop::update() {
  const TrainOptions& o = run_.options;
  TrainContext& context = run_.context;
  TrainState& state = run_.state;
  const auto start = Clock::now();
  evaluation_.forget();
  writer_.model_trained();
  const double lr = learning_rate_at(o, state.step);
  const bool log = state.step % o.log_interval == 0;
  const StepResult result = train_step(
      context.step, [this] { return feed_.next(); }, feed_.accumulation(), state.micro_batches, lr,
      {records_.timing(), log && o.log_layer_norms}, guard_.limits());
  if (records_.timing()) records_.timing()->end_update();
  feed_.add_update();
  writer_.note_place();
  // Reading a number waits for the device: on a GPU only where somebody expects to see one.
  const bool read = log || context.step.device.is_cpu();
  if (read || o.on_spike != "off")
    if (auto back = guard_.check(result)) return back;
  if (read || context.operations.waits_for_grad_norm()) {
    const double norm = result.grad_norm.item<float>();
    state.grad_norm = result.has_targets && std::isfinite(norm) ? norm : std::numeric_limits<double>::quiet_NaN();
  }
  const double seconds = seconds_since(start);
  state.seconds += seconds;
  records_.add(result, seconds);
  if (log) records_.emit(result, lr);
  return std::nullopt;
}

std::optional<TrainEnd> Loop::evaluate() {
  const TrainOptions& o = run_.options;
  TrainState& state = run_.state;
  auto measured = evaluation_.measure(records_.timing());
  if (!measured) return end(StageEnd::interrupted);
  const bool best = measured->former_best.has_value(), saves = !o.eval_only && state.step > 0;
  state.round = Round{Event::evaluation_ended, measured->fields};
  run_.context.bus.emit(Event::evaluation_ended, run_.global_step(), std::move(measured->fields));
  if (saves && best) writer_.save_best(*measured->former_best);
  if (o.eval_only) state.round.reset();
  OperationRunner::RoundEnd round;  // not before the best model is saved: operations may change it
  if (state.round) round = operations_.finish_round();
  if (round.rewind) return back_to(*std::move(round.rewind));
  if (saves && (round.changed || !best) && o.checkpoint_interval == 0 && o.always_save_checkpoint)
    writer_.save(false, Must::try_again_later, Asked::by_schedule);
  return std::nullopt;
}

// A stage that ends with a model that computes no numbers has failed.
void Loop::require_finite_losses() const {
  const TrainState& state = run_.state;
  if (state.evaluated_step != state.step) return;
  for (const auto& [name, loss] : {std::pair("train", state.train_loss), std::pair("val", state.val_loss)})
    if (loss) require_finite(*loss, std::string(name) + " loss at step " + std::to_string(run_.global_step()));
}

}  // namespace gptcore
