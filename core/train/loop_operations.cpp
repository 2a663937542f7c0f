// Operations in the training loop: asking them, committing what they plan, undoing it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "core/model/vocabulary.h"
#include "core/train/loop.h"
#include "gptcore/draft/datasets.h"
#include "gptcore/error.h"
#include "gptcore/random.h"

namespace gptcore {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

void Loop::look(TrainingView& now, bool agree_on_time) const {
  now.step = s_.step;
  now.tokens = s_.tokens;
  now.seconds = agree_on_time ? largest(s_.seconds) : s_.seconds;
  now.grad_norm = s_.grad_norm;
  if (s_.evaluated_step >= 0) {
    now.train_loss = s_.train_loss.value_or(kNan);
    now.val_loss = s_.val_loss.value_or(kNan);
  }
  now.learning_rate = o_.learning_rate;
  now.batch_size = o_.batch_size;
  now.gradient_accumulation_steps = accumulation_;
  now.max_iters = o_.max_iters;
}

void Loop::ask_operations(Event event) {
  if (c_.operations.empty()) return;
  s_.round = Round{event, std::exchange(record_, {})};
  finish_round();
}

// True when an operation has changed something.
bool Loop::finish_round() {
  const Event event = s_.round->event;
  const size_t edits = c_.journal.size();
  if (event == Event::evaluation_ended && !std::exchange(s_.round->judged, true)) judge_operations();
  TrainingView now;
  now.event = event;
  look(now, c_.operations.waits_for_time(event));
  c_.operations.ask(now, s_.round->record, *this, s_.round->asked);
  if (std::exchange(vocabulary_changed_, false)) c_.operations.restart_plateaus();
  s_.round = std::exchange(s_.next_round, std::nullopt);
  const bool changed = c_.journal.size() != edits;
  changed_since_ = changed_since_ || changed;
  return changed;
}

// Those that the next update takes, without taking them.
Batch Loop::next_samples(int64_t count) {
  Batch batch;
  const std::lock_guard lock(c_.dataset_mutex);
  c_.dataset.batch({Split::train, Order::shuffled, s_.samples, count}, batch);
  return batch;
}

// Something that would undo it is in the pipeline.
bool Loop::keeps_points(const ScheduledOperation& o) const {
  if (!c_.checkpoints.keeps_points()) return false;
  const auto& all = c_.operations.operations();
  return o.undo_if_worse ||
         std::any_of(all.begin(), all.end(), [](const auto& other) { return (other.effects & kUndoes) != 0; });
}

bool Loop::nothing_to_undo(size_t index) {
  if (!s_.undo_points.empty()) return false;
  if (!told_idle_.insert(index).second) return true;
  const auto& when = c_.operations.operations()[index].when;
  const bool waits = !when || !when->in_sequence();
  const bool any = std::any_of(c_.journal.begin(), c_.journal.end(),
                               [&](const JournalEntry& e) { return e.step >= c_.first_step && e.operation != "undo"; });
  c_.host.log(Level::warning, "operation '" + c_.operations.name(index) + "' after step " + std::to_string(global_step()) +
                                  " has nothing to undo: " +
                                  (any ? "what was carried out came before anything asked for undo or in another run, or "
                                         "what it would go back to is lost"
                                       : "no operation was carried out in this stage") +
                                  (waits ? "; it stays pending" : "; its turn in the sequence is over"));
  return true;
}

void Loop::carry_out_undo(size_t index) {
  const ScheduledOperation& o = c_.operations.operations()[index];
  const UndoPoint& last = s_.undo_points.back();
  const std::optional<Error> problem = undo_problem(last);
  if (!problem) undo(s_.undo_points.size() - 1, index, "operation '" + o.name + "'");
  const CannotUndo failure(
      problem->code(),
      "operation '" + c_.operations.name(static_cast<size_t>(last.operation)) + "' cannot be undone: " + problem->what(),
      o.skip_on_error ? "" : "set on_error = \"skip\" for '" + o.name + "' to go on without undoing", problem->where());
  if (o.skip_on_error) s_.undo_points.pop_back();
  throw failure;
}

bool Loop::carry_out(size_t index, const TrainingView& now) {
  const ScheduledOperation& o = c_.operations.operations()[index];
  s_.round->asked.resize(c_.operations.operations().size());
  std::fill_n(s_.round->asked.begin(), index, true);
  support_.can_undo = !s_.undo_points.empty();
  PlannedEdit edit(view_, o.effects, support_);
  loss_before_.reset();
  o.operation->plan(now, edit);
  if (edit.empty()) return false;
  edit.require_something_to_train();
  if (edit.undo) carry_out_undo(index);
  if (o.reevaluate || o.undo_if_worse) loss_before_ = loss_before(edit);
  if (!keeps_points(o)) {
    commit(o.name, edit);
    return true;
  }
  UndoPoint point{static_cast<int64_t>(c_.journal.size()), static_cast<int64_t>(index)};
  point.step = s_.step;
  if (loss_before_) point.val_loss = *loss_before_;
  take_states();
  point.best_step = c_.checkpoints.keep_point(s_, point.number);
  if (commit(o.name, edit)) point.val_loss = kNan;
  point.measured = evaluation_plan(o_);
  s_.undo_points.push_back(point);
  return true;
}

// On the batches of the evaluations that will follow the plan.
std::optional<double> Loop::loss_before(const PlannedEdit& plan) {
  Table settings = s_.settings;
  put_all(settings, plan.settings);
  const EvaluationPlan measured = evaluation_plan(with_settings(options_, settings));
  return measured_ == measured ? s_.val_loss : val_loss(measured);
}

Reevaluation Loop::reevaluate() {
  const EvaluationPlan plan = evaluation_plan(o_);
  s_.val_loss = val_loss(plan);
  measured_ = plan;
  const double after = s_.val_loss.value_or(kNan);
  return {loss_before_.value_or(after), after};
}

// By an evaluation of a model that was trained with it.
bool Loop::is_judged(const UndoPoint& point) const {
  const auto& all = c_.operations.operations();
  const auto index = static_cast<size_t>(point.operation);
  return !point.judged && index < all.size() && all[index].undo_if_worse && point.step < s_.step;
}

// Operations whose time to show what they are worth is over.
void Loop::judge_operations() {
  const auto& all = c_.operations.operations();
  for (size_t i = 0; i < s_.undo_points.size(); ++i) {
    UndoPoint& point = s_.undo_points[i];
    if (!is_judged(point)) continue;
    const ScheduledOperation& o = all[static_cast<size_t>(point.operation)];
    const std::string subject = "operation '" + o.name + "' cannot be judged after step " + std::to_string(global_step());
    if (!s_.val_loss) {
      if (point.number > told_unjudged_)
        c_.host.log(Level::warning,
                    subject + ": no window of the evaluation has a target; the next one that has some judges the operation");
      told_unjudged_ = std::max(told_unjudged_, point.number);
      continue;
    }
    if (++point.evaluations < o.judge_after) continue;
    point.judged = true;
    const bool same_batches = point.measured.iters == 0 || point.measured == evaluation_plan(o_);
    const std::optional<double> loss = same_batches ? s_.val_loss : val_loss(point.measured);
    if (!loss || std::isnan(point.val_loss)) {
      c_.host.log(Level::warning, subject + " and stays: no val loss from right before it compares with this one");
      continue;
    }
    if (*loss <= point.val_loss + *o.undo_if_worse) continue;  // a NaN is worse
    char text[128];
    std::snprintf(text, sizeof text, "val loss %.4f, and %.4f right before it", std::isnan(*loss) ? kNan : *loss,
                  point.val_loss);
    if (const std::optional<Error> problem = undo_problem(point))
      c_.host.log(Level::warning, "operation '" + o.name + "' cannot be undone after step " + std::to_string(global_step()) +
                                      " (" + text + "), training goes on with it: " + problem->line());
    else
      undo(i, std::nullopt, text);
  }
  // Those that only wait to be judged are done with; an operation that undoes may want the rest.
  if (std::any_of(all.begin(), all.end(), [](const auto& o) { return (o.effects & kUndoes) != 0; })) return;
  std::erase_if(s_.undo_points, [&](const UndoPoint& point) {
    const auto index = static_cast<size_t>(point.operation);
    return point.judged || index >= all.size() || !all[index].undo_if_worse;
  });
}

std::optional<Error> Loop::undo_problem(const UndoPoint& point) const {
  return c_.checkpoints.point_problem(point.number);
}

void Loop::undo(size_t point, std::optional<size_t> asked_by, const std::string& why) {
  const UndoPoint to = s_.undo_points.at(point);
  const auto undone = static_cast<size_t>(to.operation);
  const std::string name = c_.operations.name(undone);
  const bool gone = undone >= c_.operations.operations().size();
  const int64_t from = global_step();
  c_.host.log(Level::warning, "operation '" + name + "' is undone after step " + std::to_string(from) + ": " + why);
  std::optional<When> asking;
  if (asked_by) asking = c_.operations.operations()[*asked_by].when;
  c_.rewind.emplace();
  c_.rewind->point = to;
  c_.rewind->told = {{"phase", "undo"}, {"operation", name}, {"iter", from}, {"edit", to.number}, {"reason", why}};
  std::vector<bool> undoes;
  for (const ScheduledOperation& o : c_.operations.operations()) undoes.push_back((o.effects & kUndoes) != 0);
  c_.rewind->amend = [=, left = c_.operations.states(), step = s_.step, first = c_.first_step](TrainState& saved,
                                                                                               auto& journal) {
    // What was undone before stays undone, and each undoing counts, though the state gone back to is older.
    for (size_t i = 0; i < undoes.size(); ++i) {
      TriggerState& state = saved.triggers.at(i);
      const OperationStatus status = left[i].status;
      if (status == OperationStatus::undone) state.last_step = left[i].last_step;
      if (status == OperationStatus::undone || (undoes[i] && status == OperationStatus::done)) state.status = status;
      if (undoes[i]) state.fired = left[i].fired;
    }
    if (!gone) {
      saved.triggers.at(undone).status = OperationStatus::undone;
      saved.triggers.at(undone).last_step = step;
    }
    // From there on its cooldown and plateau count: the updates since are none any more.
    if (asking) note_fired(*asking, saved.step, saved.val_loss.value_or(kNan), saved.triggers.at(*asked_by));
    journal.push_back({first + saved.step, "undo", {"undo " + name + ", tried until step " + std::to_string(from)}});
  };
  throw Rewound{};
}

// All of the plan or, when it does not fit, an Error and nothing. True when the data shows other tokens than before.
bool Loop::commit(const std::string& operation, PlannedEdit& plan) {
  Table settings = s_.settings;
  put_all(settings, plan.settings);
  TrainOptions changed = with_settings(options_, settings);
  accumulation_steps(changed, block_, c_.group.size());  // throws when tokens_per_step no longer divides
  CommitReport report;
  const int64_t vocab = c_.network.vocab_size();
  const std::vector<int32_t> shown = shown_ids(&c_.dataset);
  if (!plan.edits.empty())
    report = commit_edits(operation, plan, changed, shown);
  else if (changed.batch_size != o_.batch_size || changed.weight_decay != o_.weight_decay)
    c_.parts.build(changed, nullptr);
  if (changed.batch_size != o_.batch_size) prefetcher_.reset();
  s_.settings = std::move(settings);
  o_ = std::move(changed);
  if (!plan.edits.empty()) {
    measured_.reset();
    unsaved_best_.reset();
  }
  count_tokens();
  c_.step.grad_clip = o_.grad_clip;
  const std::vector<std::string> lines = plan.lines();
  c_.journal.push_back({global_step(), operation, lines});
  emit_edit(operation, lines, plan, report);
  const bool others = shown != shown_ids(&c_.dataset);
  if (others || vocab != c_.network.vocab_size()) forget_losses();
  return others;
}

// Losses over some tokens judge no model of others.
void Loop::forget_losses() {
  vocabulary_changed_ = true;
  const bool measured = std::isfinite(s_.best_val_loss);
  best_forgotten_ |= measured;
  s_.forget_losses();
  if (measured)
    c_.host.log(Level::info,
                "the vocabulary has changed, and earlier val losses do not compare with later ones: the best model "
                "and patience count from the next evaluation, and no earlier operation is undone for its loss");
}

// From the next sample that is trained on, whatever was fetched ahead.
void Loop::control_data(const SetData& data) {
  prefetcher_.reset();
  auto* exact = extension_of<SampleControls>(c_.dataset);
  if (!exact) return c_.dataset.set(data.key, data.value);
  throw_if_failed(exact->set_from(data.key, data.value, s_.samples));
}

// Of no other edit of the run, and the same whether or not others were made and undone before: the key of its random numbers.
std::string Loop::edit_name(const std::string& operation) const {
  const auto here = [&](const JournalEntry& e) { return e.step == global_step() && e.operation == operation; };
  const auto before = std::count_if(c_.journal.begin(), c_.journal.end(), here);
  return "edit " + std::to_string(global_step()) + " " + operation + " " + std::to_string(before);
}

// Adds to the plan what the model needs for what the data will show in place of the tokens `shown`.
CommitReport Loop::commit_edits(const std::string& operation, PlannedEdit& plan, const TrainOptions& changed,
                                const std::vector<int32_t>& shown) {
  const bool controls =
      std::any_of(plan.edits.begin(), plan.edits.end(), [](const Edit& edit) { return std::holds_alternative<SetData>(edit); });
  if (!controls) return change_model(operation, plan, changed);
  const std::string before = [this] {
    const std::lock_guard lock(c_.dataset_mutex);  // a batch may be in the making
    return c_.dataset.save();
  }();
  try {
    for (const Edit& edit : plan.edits)
      if (const auto* data = std::get_if<SetData>(&edit)) control_data(*data);
    plan.show_tokens(shown, shown_ids(&c_.dataset));
    return change_model(operation, plan, changed);
  } catch (...) {
    prefetcher_.reset();
    c_.dataset.load(before);
    throw;
  }
}

CommitReport Loop::change_model(const std::string& operation, const PlannedEdit& plan, const TrainOptions& changed) {
  const auto probe = [this] {
    constexpr int64_t kProbe = int64_t{1} << 49;  // where no run and no evaluation gets to
    Batch batch;
    const std::lock_guard lock(c_.dataset_mutex);
    c_.dataset.batch({Split::train, Order::shuffled, kProbe, 2}, batch);
    return batch;
  };
  CommitContext context{c_.network, c_.step.optimizer, c_.group, c_.factory, c_.structure};
  context.key = stream_key(c_.seed, edit_name(operation));
  context.probe = probe;
  context.rebuild = [&](const NamedMoments* moments) { c_.parts.build(changed, moments); };
  return gptcore::commit_edits(context, plan);
}

}  // namespace gptcore
