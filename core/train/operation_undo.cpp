// Operations in the training loop: judging and undoing them.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/train/operation_runner.h"

#include "gptcore/event_fields.h"

namespace gptcore {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Rewind OperationRunner::undo_last(size_t index) {
  const ScheduledOperation& o = context_.operations.operations()[index];
  const UndoPoint& last = state_.undo_points.back();
  const std::optional<Error> problem = undo_problem(last);
  if (!problem) return undo(state_.undo_points.size() - 1, index, "operation '" + o.name + "'");
  const CannotUndo failure(
      problem->code(),
      "operation '" + context_.operations.name(static_cast<size_t>(last.operation)) + "' cannot be undone: " + problem->what(),
      o.skip_on_error ? "" : "set on_error = \"skip\" for '" + o.name + "' to go on without undoing", problem->where());
  if (o.skip_on_error) state_.undo_points.pop_back();
  throw failure;
}

// Returns whether evaluations of a model that was trained with the operation judge it.
bool OperationRunner::is_judged(const UndoPoint& point) const {
  const auto& all = context_.operations.operations();
  const auto index = static_cast<size_t>(point.operation);
  return !point.judged && index < all.size() && all[index].undo_if_worse && point.step < state_.step;
}

// Judges the operations whose time to show what they are worth is over.
std::optional<Rewind> OperationRunner::judge() {
  const auto& all = context_.operations.operations();
  for (size_t i = 0; i < state_.undo_points.size(); ++i) {
    UndoPoint& point = state_.undo_points[i];
    if (!is_judged(point)) continue;
    const ScheduledOperation& o = all[static_cast<size_t>(point.operation)];
    const std::string subject = "operation '" + o.name + "' cannot be judged after step " + std::to_string(run_.global_step());
    if (!state_.val_loss) {
      if (point.number > told_unjudged_)
        run_.warn(subject + ": no window of the evaluation has a target; the next one that has some judges the operation");
      told_unjudged_ = std::max(told_unjudged_, point.number);
      continue;
    }
    if (++point.evaluations < o.judge_after) continue;
    point.judged = true;
    const bool same_batches = point.measured.iters == 0 || point.measured == evaluation_plan(options_);
    const std::optional<double> loss = same_batches ? state_.val_loss : evaluation_.val_loss(point.measured);
    if (!loss || std::isnan(point.val_loss)) {
      run_.warn(subject + " and stays: no val loss from right before it compares with this one");
      continue;
    }
    if (*loss <= point.val_loss + *o.undo_if_worse) continue;  // a NaN is worse
    char text[128];
    std::snprintf(text, sizeof text, "val loss %.4f, and %.4f right before it", std::isnan(*loss) ? kNan : *loss,
                  point.val_loss);
    if (const std::optional<Error> problem = undo_problem(point))
      run_.warn("operation '" + o.name + "' cannot be undone after step " + std::to_string(run_.global_step()) + " (" + text +
                "), training goes on with it: " + problem->line());
    else
      return undo(i, std::nullopt, text);
  }
  // Judged points are no longer needed, unless an operation that undoes may ask for them.
  if (std::any_of(all.begin(), all.end(), [](const auto& o) { return (o.effects & kUndoes) != 0; })) return std::nullopt;
  std::erase_if(state_.undo_points, [&](const UndoPoint& point) {
    const auto index = static_cast<size_t>(point.operation);
    return point.judged || index >= all.size() || !all[index].undo_if_worse;
  });
  return std::nullopt;
}

std::optional<Error> OperationRunner::undo_problem(const UndoPoint& point) const {
  return context_.checkpoints.point_problem(point.number);
}

Rewind OperationRunner::undo(size_t point, std::optional<size_t> asked_by, const std::string& why) {
  const UndoPoint to = state_.undo_points.at(point);
  const auto undone = static_cast<size_t>(to.operation);
  const std::string name = context_.operations.name(undone);
  const bool gone = undone >= context_.operations.operations().size();
  const int64_t from = run_.global_step();
  run_.warn("operation '" + name + "' is undone after step " + std::to_string(from) + ": " + why);
  std::optional<When> asking;
  if (asked_by) asking = context_.operations.operations()[*asked_by].when;
  Rewind back;
  back.point = to;
  back.told = {{field::kPhase, "undo"},
               {field::kOperation, name},
               {field::kIter, from},
               {field::kEdit, to.number},
               {field::kReason, why}};
  std::vector<bool> undoes;
  for (const ScheduledOperation& o : context_.operations.operations()) undoes.push_back((o.effects & kUndoes) != 0);
  back.amend = [=, left = context_.operations.states(), step = state_.step, first = context_.first_step](TrainState& saved,
                                                                                                         auto& journal) {
    // Earlier undos stay, and each of them counts, although the restored state is older.
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
    // The cooldown and plateau of the asking operation count from the restored step, because later updates are gone.
    if (asking) note_fired(*asking, saved.step, saved.val_loss.value_or(kNan), saved.triggers.at(*asked_by));
    journal.push_back({first + saved.step, "undo", {"undo " + name + ", tried until step " + std::to_string(from)}});
  };
  return back;
}

}  // namespace gptcore
