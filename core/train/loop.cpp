#include "core/train/loop.h"

#include <cmath>
#include <limits>

#include "core/optim/schedule.h"
#include "core/plugin/breadcrumb.h"
#include "core/train/evaluation.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr int kMaxFailedSaves = 3;

}  // namespace

Loop::Loop(const TrainOptions& options, TrainContext& context, TrainState& state)
    : options_(options),
      o_(with_settings(options, state.settings)),
      c_(context),
      s_(state),
      view_(context.network),
      block_(context.step.model.block_size()),
      saved_step_(state.step > 0 ? state.step : -1),
      trials_(context.step, context.group, [this](int64_t count) { return next_samples(count); }),
      support_(context.support),
      memory_(o_.emergency_free_percent, context.step.device, context.memory) {
  count_tokens();
  if (o_.log_timing) timing_.emplace(c_.step.device);
  support_.options = &o_;
  support_.trials = &trials_;
}

StageEnd Loop::run() {
  try {
    return train();
  } catch (const Rewound&) {
    return StageEnd::rewound;
  }
}

StageEnd Loop::train() {
  note_place();
  if (!s_.started) {
    s_.started = true;
    ask_operations(Event::stage_started);
  }
  while (true) {
    while (s_.round && !o_.eval_only) finish_round();  // of a run that was cut off there
    const bool last = finished();
    const bool due = last || o_.eval_only || (o_.eval_interval > 0 && s_.step % o_.eval_interval == 0);
    const bool measured = s_.evaluated_step == s_.step && !o_.eval_only;
    if (due && !measured && !evaluate()) return end(StageEnd::interrupted);
    if (last || o_.eval_only) return end(StageEnd::finished);
    if (o_.patience > 0 && s_.patience.evaluations >= o_.patience) return end(StageEnd::early_stopped);
    update();
    ask_operations(Event::step_ended);
    if (o_.checkpoint_interval > 0 && s_.step % o_.checkpoint_interval == 0 && !finished())
      save(false, Must::try_again_later, Asked::by_schedule);
    save_when_memory_is_short();
    if (c_.signals.received()) return end(StageEnd::interrupted);
  }
}

// For what is said of a sudden end.
void Loop::note_place() const {
  set_breadcrumb_place(global_step(), c_.group.rank());
  const int64_t before = c_.first_step > 0 ? c_.first_step : -1;  // the earlier stages' last checkpoint
  StopSignals::note_updates(global_step(), saved_step_ >= 0 ? c_.first_step + saved_step_ : before);
}

bool Loop::finished() const {
  return s_.step >= o_.max_iters || (o_.max_tokens > 0 && s_.tokens >= o_.max_tokens) ||
         (o_.max_time > 0 && s_.seconds >= o_.max_time);
}

StageEnd Loop::end(StageEnd how) {
  if (!saved() && (how == StageEnd::interrupted || !o_.eval_only)) save(false, Must::succeed, Asked::in_between);
  if (how != StageEnd::interrupted) {
    warn_without_targets();
    require_finite_losses();
  }
  return how;
}

void Loop::warn_without_targets() const {
  if (had_target_ || blank_updates_ == 0) return;
  c_.host.log(Level::warning, "no target was in any of the " + std::to_string(blank_updates_) + " updates up to step " +
                                  std::to_string(global_step()) +
                                  ", and they changed no weight: check what the dataset masks, and whether block_size is long "
                                  "enough to reach a target");
}

void Loop::count_tokens() {
  accumulation_ = accumulation_steps(o_, block_, c_.group.size());
  samples_per_step_ = o_.batch_size * accumulation_ * c_.group.size();
  tokens_per_step_ = samples_per_step_ * block_;
  flops_per_step_ = c_.step.model.flops_per_token() * static_cast<double>(tokens_per_step_);
}

void Loop::update() {
  const auto start = Clock::now();
  measured_.reset();
  unsaved_best_.reset();
  if (!prefetcher_)
    prefetcher_.emplace(c_.dataset, BatchPlan{o_.batch_size, c_.group.rank(), c_.group.size(), s_.samples}, c_.dataset_mutex);
  const double lr = learning_rate_at(o_, s_.step);
  const bool log = s_.step % o_.log_interval == 0;
  const StepResult result = train_step(
      c_.step, [&] { return prefetcher_->next(); }, accumulation_, s_.micro_batches, lr, {timing(), log && o_.log_layer_norms},
      limits());
  if (timing_) timing_->end_update();
  had_target_ = had_target_ || result.has_gradient;
  if (!result.has_gradient) ++blank_updates_;
  s_.micro_batches += accumulation_;
  s_.samples += samples_per_step_;
  s_.tokens += tokens_per_step_;
  ++s_.step;
  note_place();
  // Reading a number waits for the device: on a GPU only where somebody expects to see one.
  const bool read = log || c_.step.device.is_cpu();
  if (read || o_.on_spike != "off") look_at(result);
  if (read || c_.operations.waits_for_grad_norm()) {
    const double norm = result.grad_norm.item<float>();
    s_.grad_norm = result.has_gradient && std::isfinite(norm) ? norm : std::numeric_limits<double>::quiet_NaN();
  }
  const double seconds = seconds_since(start);
  s_.seconds += seconds;
  meter_.seconds += seconds;
  ++meter_.updates;
  meter_.tokens += static_cast<double>(tokens_per_step_);
  meter_.flops += flops_per_step_ * static_cast<double>(result.computed) / static_cast<double>(accumulation_);
  if (log) emit_step(result, lr);
}

std::optional<double> Loop::split_loss(Split split, const EvaluationPlan& plan, bool interruptible) {
  return evaluate_loss(c_.step.model, c_.dataset, c_.dataset_mutex, split, plan, c_.group, c_.step.device,
                       [&, tell = evaluation_progress(c_.host, split)](int64_t batch, int64_t batches) {
                         tell(batch, batches);
                         return !interruptible || c_.signals.received() == 0;
                       });
}

std::optional<double> Loop::val_loss(const EvaluationPlan& plan) {
  const bool has_val = c_.dataset.windows(Split::val) > 0;
  return split_loss(has_val ? Split::val : Split::train, plan, /*interruptible=*/false);
}

// Losses over other windows do not compare with the best one, and say nothing about patience.
void Loop::compare_from_now(const EvaluationPlan& plan) {
  if (s_.best_measured && !same_windows(*s_.best_measured, plan)) {
    const bool tells = std::isfinite(s_.best_val_loss) && !o_.eval_only;
    s_.former_best = c_.checkpoints.marked_best();
    s_.forget_best();
    c_.operations.restart_plateaus();
    if (tells)
      c_.host.log(Level::info,
                  "evaluations take other windows than before, and earlier val losses do not compare with later ones: the best "
                  "model and patience count from step " +
                      std::to_string(global_step()) +
                      (s_.former_best < 0
                           ? ""
                           : "; the best checkpoint until then, of step " + std::to_string(s_.former_best) + ", is kept"));
  }
  s_.best_measured = plan;
}

bool Loop::evaluate() {
  Stopwatch watch(timing());
  c_.bus.emit(Event::evaluation_started, global_step());
  const EvaluationPlan plan = evaluation_plan(o_);
  const std::optional<double> train_loss = split_loss(Split::train, plan, /*interruptible=*/true);
  const bool has_val = c_.dataset.windows(Split::val) > 0;
  const std::optional<double> val_loss = has_val ? split_loss(Split::val, plan, /*interruptible=*/true) : train_loss;
  if (c_.signals.received()) return false;
  compare_from_now(plan);
  measured_ = plan;
  s_.evaluated_step = s_.step;
  s_.train_loss = train_loss;
  s_.val_loss = val_loss;
  const double best_before = s_.best_val_loss;
  const bool best = val_loss && *val_loss < best_before;
  s_.patience.observe(val_loss, o_.min_delta);
  if (best) s_.best_val_loss = *val_loss;
  Table fields;
  add_loss(fields, Split::train, train_loss);
  if (has_val) add_loss(fields, Split::val, val_loss);
  if (std::isfinite(s_.best_val_loss)) fields.emplace_back("best", s_.best_val_loss);
  fields.emplace_back("whole_split", o_.eval_iters == kWholeSplit);
  if (o_.eval_iters != kWholeSplit) fields.emplace_back("batches", o_.eval_iters);
  for (auto& metric : c_.evaluators.run(view_, c_.group, c_.bus, c_.host, global_step())) fields.push_back(std::move(metric));
  watch.lap(StepSection::evaluation);
  if (timing_) timing_->end_evaluation();
  s_.round = Round{Event::evaluation_ended, fields};
  c_.bus.emit(Event::evaluation_ended, global_step(), std::move(fields));
  const bool saves = !o_.eval_only && s_.step > 0;
  if (saves && best && !save(true, Must::try_again_later, Asked::by_schedule)) {
    s_.best_val_loss = best_before;  // later ones are compared with what there is a checkpoint of
    unsaved_best_ = val_loss;
  }
  if (o_.eval_only) s_.round.reset();
  const bool changed = s_.round && finish_round();  // not before the best model is saved: operations may change it
  if (saves && (changed || !best) && o_.checkpoint_interval == 0 && o_.always_save_checkpoint)
    save(false, Must::try_again_later, Asked::by_schedule);
  return true;
}

// A stage that ends with a model that computes no numbers has failed.
void Loop::require_finite_losses() const {
  if (s_.evaluated_step != s_.step) return;
  for (const auto& [name, loss] : {std::pair("train", s_.train_loss), std::pair("val", s_.val_loss)})
    if (loss) require_finite(*loss, std::string(name) + " loss at step " + std::to_string(global_step()));
}

// Of those that a checkpoint knows again.
void Loop::take_states() {
  s_.triggers = c_.operations.states();
  s_.evaluator_failures = c_.evaluators.failures();
}

bool Loop::save(bool best, Must must, Asked asked) {
  if (best_forgotten_ && std::isinf(s_.best_val_loss)) best = true;  // no saved model compares with this one
  const double best_before = s_.best_val_loss;
  if (unsaved_best_) {
    best = true;
    s_.best_val_loss = *unsaved_best_;
  }
  const int64_t rewind_step = s_.rewind_step;
  const bool in_time = o_.checkpoint_interval > 0 && s_.step % o_.checkpoint_interval == 0;
  if (asked == Asked::by_schedule || in_time) s_.rewind_step = s_.step;
  try {
    take_states();
    c_.checkpoints.save(s_, best);
    saved_step_ = s_.step;
    note_place();
    changed_since_ = false;
    failed_saves_ = 0;
    unsaved_best_.reset();
    c_.operations.published();
    if (c_.checkpoints.keeps_points())
      c_.checkpoints.forget_points_before(s_.undo_points.empty() ? static_cast<int64_t>(c_.journal.size())
                                                                 : s_.undo_points.front().number);
    return true;
  } catch (const Error& e) {
    s_.rewind_step = rewind_step;
    s_.best_val_loss = best_before;
    const bool disk = e.code() == Code::io || e.code() == Code::disk_full;
    if (!disk || must == Must::succeed || ++failed_saves_ >= kMaxFailedSaves) throw;
    c_.host.log(Level::warning, std::string("the checkpoint could not be saved, training goes on: ") + e.what());
    return false;
  }
}

// All ranks save when one is short. Several agree where they log, which makes each wait for the others.
void Loop::save_when_memory_is_short() {
  const bool alone = c_.group.size() == 1;
  if (saved() || finished() || (!alone && s_.step % o_.log_interval != 0)) return;
  const std::string found = memory_.look();
  if (largest(found.empty() ? 0 : 1) == 0) return;
  c_.host.log(Level::warning, "memory is short" + (found.empty() ? " on another rank" : ": " + found) +
                                  "; a checkpoint of step " + std::to_string(global_step()) + " is saved and training goes on");
  save(false, Must::try_again_later, Asked::in_between);
}

// The failure that ends the run is the one to be told.
void Loop::save_before_failing() {
  try {
    save(false, Must::succeed, Asked::in_between);
  } catch (const std::exception& e) {
    c_.host.log(Level::warning, std::string("no checkpoint could be saved before the end: ") + e.what());
  }
}

}  // namespace gptcore
