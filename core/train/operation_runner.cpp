// Operations in the training loop: asking them and committing what they plan.
#include "core/train/operation_runner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/model/vocabulary.h"
#include "gptcore/draft/datasets.h"
#include "gptcore/event_fields.h"
#include "gptcore/random.h"

namespace gptcore {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

OperationRunner::OperationRunner(StageRun& run, BatchFeed& feed, StageEvaluation& evaluation, CheckpointWriter& writer)
    : run_(run),
      options_(run.options),
      context_(run.context),
      state_(run.state),
      feed_(feed),
      evaluation_(evaluation),
      writer_(writer),
      trials_(run.context.step, run.context.group, feed),
      support_(run.context.support) {
  support_.options = &run.options;
  support_.trials = &trials_;
}

std::optional<Rewind> OperationRunner::ask(Event event, Table record) {
  if (context_.operations.empty()) return std::nullopt;
  state_.round = Round{event, std::move(record)};
  return finish_round().rewind;
}

OperationRunner::RoundEnd OperationRunner::finish_round() {
  const Event event = state_.round->event;
  const size_t edits = context_.journal.size();
  if (event == Event::evaluation_ended && !std::exchange(state_.round->judged, true))
    if (std::optional<Rewind> back = judge()) return {false, std::move(back)};
  TrainingView now;
  now.event = event;
  look(now, context_.operations.waits_for_time(event));
  if (context_.operations.ask(now, state_.round->record, *this, state_.round->asked))
    return {false, std::exchange(rewind_, std::nullopt)};
  if (std::exchange(vocabulary_changed_, false)) context_.operations.restart_plateaus();
  state_.round = std::exchange(state_.next_round, std::nullopt);
  const bool changed = context_.journal.size() != edits;
  if (changed) writer_.training_changed();
  return {changed, std::nullopt};
}

void OperationRunner::look(TrainingView& now, bool agree_on_time) const {
  now.step = state_.step;
  now.tokens = state_.tokens;
  now.seconds = agree_on_time ? run_.largest(state_.seconds) : state_.seconds;
  now.grad_norm = state_.grad_norm;
  if (state_.evaluated_step >= 0) {
    now.train_loss = state_.train_loss.value_or(kNan);
    now.val_loss = state_.val_loss.value_or(kNan);
  }
  now.learning_rate = options_.learning_rate;
  now.batch_size = options_.batch_size;
  now.gradient_accumulation_steps = feed_.accumulation();
  now.max_iters = options_.max_iters;
}

// Returns whether something that would undo the operation is in the pipeline.
bool OperationRunner::keeps_points(const ScheduledOperation& o) const {
  if (!context_.checkpoints.keeps_points()) return false;
  const auto& all = context_.operations.operations();
  return o.undo_if_worse ||
         std::any_of(all.begin(), all.end(), [](const auto& other) { return (other.effects & kUndoes) != 0; });
}

bool OperationRunner::nothing_to_undo(size_t index) {
  if (!state_.undo_points.empty()) return false;
  if (!told_idle_.insert(index).second) return true;
  const auto& when = context_.operations.operations()[index].when;
  const bool waits = !when || !when->in_sequence();
  const bool any = std::any_of(context_.journal.begin(), context_.journal.end(),
                               [&](const JournalEntry& e) { return e.step >= context_.first_step && e.operation != "undo"; });
  run_.warn("operation '" + context_.operations.name(index) + "' after step " + std::to_string(run_.global_step()) +
            " has nothing to undo: " +
            (any ? "what was carried out came before anything asked for undo or in another run, or "
                   "what it would go back to is lost"
                 : "no operation was carried out in this stage") +
            (waits ? "; it stays pending" : "; its turn in the sequence is over"));
  return true;
}

Outcome OperationRunner::carry_out(size_t index, const TrainingView& now) {
  const ScheduledOperation& o = context_.operations.operations()[index];
  state_.round->asked.resize(context_.operations.operations().size());
  std::fill_n(state_.round->asked.begin(), index, true);
  support_.can_undo = !state_.undo_points.empty();
  PlannedEdit edit(run_.view, o.effects, support_);
  loss_before_.reset();
  run_.together([&] { o.operation->plan(now, edit); });
  if (edit.empty()) return Outcome::nothing;
  edit.require_something_to_train();
  if (edit.undo) {
    rewind_ = undo_last(index);
    return Outcome::goes_back;
  }
  if (o.reevaluate || o.undo_if_worse) loss_before_ = loss_before(edit);
  if (!keeps_points(o)) {
    commit(o.name, edit);
    return Outcome::changed;
  }
  UndoPoint point{static_cast<int64_t>(context_.journal.size()), static_cast<int64_t>(index)};
  point.step = state_.step;
  if (loss_before_) point.val_loss = *loss_before_;
  run_.take_states();
  run_.together([&] { point.best_step = context_.checkpoints.keep_point(state_, point.number); });
  if (commit(o.name, edit)) point.val_loss = kNan;
  point.measured = evaluation_plan(options_);
  state_.undo_points.push_back(point);
  return Outcome::changed;
}

// Measures on the batches of the evaluations that will follow the plan.
std::optional<double> OperationRunner::loss_before(const PlannedEdit& plan) {
  Table settings = state_.settings;
  put_all(settings, plan.settings);
  return evaluation_.val_loss(evaluation_plan(with_settings(run_.given, settings)));
}

Reevaluation OperationRunner::reevaluate() {
  evaluation_.measure_val_loss_again();
  const double after = state_.val_loss.value_or(kNan);
  return {loss_before_.value_or(after), after};
}

// Commits all of the plan or, when it does not fit, throws an Error and changes nothing. Returns whether the data shows other
// tokens than before.
bool OperationRunner::commit(const std::string& operation, PlannedEdit& plan) {
  Table settings = state_.settings;
  put_all(settings, plan.settings);
  TrainOptions changed = with_settings(run_.given, settings);
  accumulation_steps(changed, feed_.block_size(), context_.group.size());  // throws when tokens_per_step no longer divides
  CommitReport report;
  const int64_t vocab = context_.network.vocab_size();
  const std::vector<int32_t> shown = shown_ids(&context_.dataset);
  if (!plan.edits.empty())
    report = commit_edits(operation, plan, changed, shown);
  else if (changed.batch_size != options_.batch_size || changed.weight_decay != options_.weight_decay)
    context_.parts.build(changed, nullptr);
  if (changed.batch_size != options_.batch_size) feed_.restart();
  state_.settings = std::move(settings);
  run_.options = std::move(changed);
  if (!plan.edits.empty()) {
    evaluation_.forget();
    writer_.model_edited();
  }
  feed_.count();
  context_.step.grad_clip = options_.grad_clip;
  const std::vector<std::string> lines = plan.lines();
  context_.journal.push_back({run_.global_step(), operation, lines});
  emit_edit(operation, lines, plan, report);
  const bool others = shown != shown_ids(&context_.dataset);
  if (others || vocab != context_.network.vocab_size()) forget_losses();
  return others;
}

// A loss over some tokens does not compare with a loss over others.
void OperationRunner::forget_losses() {
  vocabulary_changed_ = true;
  const bool measured = std::isfinite(state_.best_val_loss);
  if (measured) writer_.forget_best();
  state_.forget_losses();
  if (measured)
    run_.info(
        "the vocabulary has changed, and earlier val losses do not compare with later ones: the best model "
        "and patience count from the next evaluation, and no earlier operation is undone for its loss");
}

// Controls the data from the next sample that is trained on, whatever was fetched ahead.
void OperationRunner::control_data(const SetData& data) {
  feed_.restart();
  auto* exact = extension_of<SampleControls>(context_.dataset);
  if (!exact) return context_.dataset.set(data.key, data.value);
  throw_if_failed(exact->set_from(data.key, data.value, state_.samples));
}

// Returns the key of the edit's random numbers. No other edit of the run has the key, and edits that were undone do not change
// it.
std::string OperationRunner::edit_name(const std::string& operation) const {
  const auto here = [&](const JournalEntry& e) { return e.step == run_.global_step() && e.operation == operation; };
  const auto before = std::count_if(context_.journal.begin(), context_.journal.end(), here);
  return "edit " + std::to_string(run_.global_step()) + " " + operation + " " + std::to_string(before);
}

// Adds to the plan what the model needs for what the data will show in place of the tokens `shown`.
CommitReport OperationRunner::commit_edits(const std::string& operation, PlannedEdit& plan, const TrainOptions& changed,
                                           const std::vector<int32_t>& shown) {
  const bool controls =
      std::any_of(plan.edits.begin(), plan.edits.end(), [](const Edit& edit) { return std::holds_alternative<SetData>(edit); });
  if (!controls) return change_model(operation, plan, changed);
  const std::string before = [this] {
    const std::lock_guard lock(context_.dataset_mutex);  // a batch may be in the making
    return context_.dataset.save();
  }();
  try {
    run_.together([&] {
      for (const Edit& edit : plan.edits)
        if (const auto* data = std::get_if<SetData>(&edit)) control_data(*data);
    });
    plan.show_tokens(shown, shown_ids(&context_.dataset));
    return change_model(operation, plan, changed);
  } catch (...) {
    feed_.restart();
    context_.dataset.load(before);
    throw;
  }
}

CommitReport OperationRunner::change_model(const std::string& operation, const PlannedEdit& plan, const TrainOptions& changed) {
  CommitContext context{context_.network, context_.step.optimizer, context_.group, context_.factory, context_.structure};
  context.key = stream_key(context_.seed, edit_name(operation));
  context.probe = [this] { return feed_.probe(); };
  context.rebuild = [&](const NamedMoments* moments) { context_.parts.build(changed, moments); };
  return gptcore::commit_edits(context, plan);
}

void OperationRunner::emit_edit(const std::string& operation, const std::vector<std::string>& lines, const PlannedEdit& plan,
                                const CommitReport& report) {
  Table fields{
      {field::kOperation, operation}, {field::kEdit, edits() - 1}, {field::kChanges, List(lines.begin(), lines.end())}};
  if (!plan.edits.empty()) {
    fields.emplace_back(field::kParams, report.parameters);
    fields.emplace_back(field::kTrainable, report.trainable);
    fields.emplace_back(field::kMomentsCarried, report.moments_carried);
    fields.emplace_back(field::kMomentsNew, report.moments_new);
  }
  if (std::isfinite(report.moved)) {
    fields.emplace_back(field::kLogitsMoved, report.moved);
    fields.emplace_back(field::kLossBefore, report.loss_before);
    fields.emplace_back(field::kLossAfter, report.loss_after);
  }
  context_.bus.emit(Event::model_edited, run_.global_step(), std::move(fields));
  if (plan.reshapes()) context_.evaluators.model_changed(operation, context_.host);
}

}  // namespace gptcore
