#include "core/train/resumed_operations.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

namespace gptcore {
namespace {

std::string text_in(const OperationTable& table, const std::string& key) {
  const auto found = table.find(key);
  return found == table.end() ? "" : found->second;
}

bool same_name(const OperationTable& a, const OperationTable& b) {
  return text_in(a, "use") == text_in(b, "use");
}

bool same_when(const OperationTable& a, const OperationTable& b) {
  return text_in(a, "when") == text_in(b, "when");
}

bool same_arguments(OperationTable a, OperationTable b) {
  for (OperationTable* table : {&a, &b}) table->erase("use"), table->erase("when");
  return a == b;
}

bool is_over(const TriggerState& state) {
  return state.status != OperationStatus::pending;
}

// "operation 'set_lr' (value = 0.5, when at_iter = 120)".
std::string described(const OperationTable& table) {
  std::string inside;
  if (const std::string value = text_in(table, "value"); !value.empty()) inside = "value = " + value;
  if (const std::string when = text_in(table, "when"); !when.empty()) inside += (inside.empty() ? "when " : ", when ") + when;
  return "operation '" + text_in(table, "use") + "'" + (inside.empty() ? "" : " (" + inside + ")");
}

bool same_policy(const TriggerState& old, const TriggerState& now, const std::string& key) {
  return text_in(old.policy, key) == text_in(now.policy, key);
}

// "value: 0.5 -> 0.25, when: at_iter = 120 -> at_iter = 140".
std::string changes(const OperationTable& before, const OperationTable& now) {
  std::string text;
  const auto add = [&](const std::string& key) {
    const std::string old = text_in(before, key), fresh = text_in(now, key);
    if (old != fresh)
      text += (text.empty() ? "" : ", ") + key + ": " + (old.empty() ? "absent" : old) + " -> " +
              (fresh.empty() ? "absent" : fresh);
  };
  for (const auto& [key, value] : before) add(key);
  for (const auto& [key, value] : now)
    if (!before.contains(key)) add(key);
  return text;
}

std::string history(const TriggerState& state) {
  const std::string step = std::to_string(state.last_step);
  switch (state.status) {
    case OperationStatus::done:
      return "it was carried out after update " + step + " of the stage";
    case OperationStatus::undone:
      return "it was undone after update " + step + " of the stage";
    case OperationStatus::failed:
      return "it failed after update " + step + " of the stage";
    case OperationStatus::skipped:
      return "it was passed over";
    case OperationStatus::pending:
      break;
  }
  return state.fired == 0
             ? "it was not carried out yet"
             : "it was carried out " + std::to_string(state.fired) + " times, last after update " + step + " of the stage";
}

class Matching {
 public:
  Matching(const OperationSet& set, TrainState& state, const std::vector<TriggerState>* left)
      : set_(set), state_(state), left_(left), now_(set.states()), found_(now_.size()), taken_(state.triggers.size()) {
    now_.resize(set.operations().size());
    found_.resize(now_.size());
    fresh_.resize(now_.size());
    pair([](const TriggerState& old, const TriggerState& now) {
      return same_name(old.table, now.table) && same_when(old.table, now.table) && same_arguments(old.table, now.table);
    });
    out_.from = found_;
    pair([](const TriggerState& old, const TriggerState& now) {
      return same_name(old.table, now.table) && same_when(old.table, now.table);
    });
    pair([](const TriggerState& old, const TriggerState& now) {
      return !is_over(old) && same_name(old.table, now.table) && same_arguments(old.table, now.table);
    });
  }

  ResumedOperations run() {
    for (size_t i = 0; i < now_.size(); ++i) found_[i] ? take_over(i) : add(i);
    const size_t known = now_.size();
    for (size_t s = 0; s < taken_.size(); ++s)
      if (!taken_[s]) leave(s);
    stay_late();
    move_round();
    move_points(known);
    state_.triggers = std::move(now_);
    return std::move(out_);
  }

 private:
  using Same = std::function<bool(const TriggerState& old, const TriggerState& now)>;

  void pair(const Same& same) {
    for (size_t i = 0; i < now_.size(); ++i)
      for (size_t s = 0; s < taken_.size() && !found_[i]; ++s)
        if (!taken_[s] && same(state_.triggers[s], now_[i])) {
          found_[i] = s;
          taken_[s] = true;
        }
  }

  void tell(const std::string& line) { out_.differences.push_back(line); }

  void take_over(size_t i) {
    const TriggerState old = state_.triggers[*found_[i]], now = now_[i];
    const bool taken_up = old.status == OperationStatus::skipped && !completes(i);  // no longer completed
    const bool fresh = !same_when(old.table, now.table) || taken_up;
    fresh_[i] = fresh;
    OperationTable before = old.table, after = now.table;
    before.insert(old.policy.begin(), old.policy.end());
    after.insert(now.policy.begin(), now.policy.end());
    if (taken_up) before["completed"] = "true", after["completed"] = "false";
    if (const std::string what = changes(before, after); !what.empty())
      tell(described(old.table) + " has changed: " + what + "; " + history(old) + outcome(i, old, now, fresh));
    TriggerState& state = now_[i] = old;
    if (fresh) {
      state = now;
      state.status = OperationStatus::pending;
      state.fired = old.fired;
      state.last_step = old.last_step;
    }
    state.table = now.table;
    state.policy = now.policy;
    state.completed = old.completed;
    state.gone = false;
    pass_completed(i);
    if (fresh) pass_times(i);
    if (fresh) pass_at_iter(i);
  }

  // Says what the tables' changes mean for the operation, where that is not obvious.
  std::string outcome(size_t i, const TriggerState& old, const TriggerState& now, bool fresh) const {
    const ScheduledOperation& o = set_.operations()[i];
    if (old.status == OperationStatus::failed) return o.skip_on_error ? ", and is not again" : ", and is asked again";
    const std::string text = is_over(old) && !fresh && old.table != now.table ? ", and is not again" : "";
    if (same_policy(old, now, "undo_if_worse") && same_policy(old, now, "judge_after")) return text;
    if (old.fired == 0 || old.status == OperationStatus::undone) return text;
    const bool on_trial = std::any_of(state_.undo_points.begin(), state_.undo_points.end(), [&](const UndoPoint& p) {
      return static_cast<size_t>(p.operation) == *found_[i] && !p.judged && !std::isnan(p.val_loss);
    });
    if (!on_trial) return text + ", which is not judged";
    return text + (o.undo_if_worse ? ", which is judged by what the table says now" : ", which stays");
  }

  void add(size_t i) {
    now_[i].status = OperationStatus::pending;
    now_[i].completed = false;
    if (!completes(i)) tell(described(now_[i].table) + " is new");
    pass_completed(i, /*is_new=*/true);
    pass_at_iter(i);
  }

  // Returns whether the table says only now that the operation is completed. After going back, the states left decide.
  bool completes(size_t i) const {
    if (left_) return i < left_->size() && (*left_)[i].status == OperationStatus::skipped;
    return set_.operations()[i].completed;
  }

  void pass_completed(size_t i, bool is_new = false) {
    TriggerState& state = now_[i];
    if (!is_over(state) && completes(i) && !state.completed) {
      if (!is_new)
        tell(described(state.table) + " has changed: completed: false -> true; " + history(state) +
             (state.fired > 0 ? ", and is not again" : ", and is passed over"));
      state.status = OperationStatus::skipped;
    }
    state.completed = left_ && i < left_->size() ? (*left_)[i].completed : set_.operations()[i].completed;
  }

  // The operation has succeeded as often as it may now.
  void pass_times(size_t i) {
    const auto& when = set_.operations()[i].when;
    if (!when || !when->times || is_over(now_[i]) || now_[i].fired < *when->times) return;
    now_[i].status = OperationStatus::done;
    tell(described(now_[i].table) + ": times = " + std::to_string(*when->times) + " is used up, and it is not again");
  }

  // A past update does not come again; the one that was just made counts as present.
  void pass_at_iter(size_t i) {
    const auto& when = set_.operations()[i].when;
    if (!when || !when->at_iter || !state_.started || is_over(now_[i])) return;
    now_[i].at_iter_passed = now_[i].came_late = *when->at_iter < state_.step;
    if (now_[i].at_iter_passed)
      tell(described(now_[i].table) + ": at_iter = " + std::to_string(*when->at_iter) + " has passed, training is at update " +
           std::to_string(state_.step) + " of the stage");
    else if (*when->at_iter == state_.step)
      asked_now_.push_back(i);
  }

  void leave(size_t s) {
    const TriggerState& old = state_.triggers[s];
    if (!old.gone) tell(described(old.table) + " is gone; " + history(old) + (old.fired > 0 ? ", which stays" : ""));
    if (!is_over(old) && old.fired == 0) return;
    moved_[s] = now_.size();
    now_.push_back(old);
    now_.back().gone = true;
  }

  // After going back, an operation that came late is late again.
  void stay_late() {
    if (!left_) return;
    for (size_t i = 0; i < std::min(set_.operations().size(), left_->size()); ++i)
      if ((*left_)[i].came_late) now_[i].at_iter_passed = now_[i].came_late = true;
  }

  void move_round() {
    for (std::optional<Round>* round : {&state_.round, &state_.next_round}) {
      if (!*round) continue;
      std::vector<bool> asked(set_.operations().size());
      for (size_t i = 0; i < asked.size(); ++i)
        asked[i] = found_[i] && !fresh_[i] && *found_[i] < (*round)->asked.size() && (*round)->asked[*found_[i]];
      (*round)->asked = std::move(asked);
    }
    ask_now();
  }

  // Operations whose at_iter is the update that was just made. Where its evaluation was interrupted, they come before it, as
  // they would have.
  void ask_now() {
    std::erase_if(asked_now_, [&](size_t i) { return now_[i].at_iter_passed; });
    if (asked_now_.empty() || (state_.round && state_.round->event != Event::evaluation_ended)) return;
    if (state_.round) state_.next_round = std::move(state_.round);
    state_.round = Round{Event::step_ended};
    state_.round->asked.assign(set_.operations().size(), true);
    for (const size_t i : asked_now_) state_.round->asked[i] = false;
  }

  void move_points(size_t known) {
    for (size_t i = 0; i < known; ++i)
      if (found_[i]) moved_[*found_[i]] = i;
    for (UndoPoint& point : state_.undo_points) {
      const auto found = moved_.find(static_cast<size_t>(point.operation));
      if (found != moved_.end()) point.operation = static_cast<int64_t>(found->second);
    }
  }

  const OperationSet& set_;
  TrainState& state_;
  const std::vector<TriggerState>* left_;
  std::vector<TriggerState> now_;
  std::vector<std::optional<size_t>> found_;  // by operation: the checkpoint's
  std::vector<bool> taken_;                   // of the checkpoint's
  std::vector<bool> fresh_;                   // by operation: waits for something else than before
  std::vector<size_t> asked_now_;
  std::map<size_t, size_t> moved_;  // of the checkpoint's, to where
  ResumedOperations out_;
};

}  // namespace

ResumedOperations resume_operations(const OperationSet& operations, TrainState& state, const std::vector<TriggerState>* left) {
  return Matching(operations, state, left).run();
}

}  // namespace gptcore
