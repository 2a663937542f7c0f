#include "core/train/resumed_operations.h"

#include <algorithm>
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
  Matching(const OperationSet& set, TrainState& state)
      : set_(set), state_(state), now_(set.states()), found_(now_.size()), taken_(state.triggers.size()) {
    now_.resize(set.operations().size());
    found_.resize(now_.size());
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
    const TriggerState& old = state_.triggers[*found_[i]];
    OperationTable table = now_[i].table;
    const bool fresh = !same_when(old.table, table);
    if (const std::string what = changes(old.table, table); !what.empty())
      tell(described(old.table) + " has changed: " + what + "; " + history(old) + (is_over(old) ? ", and is not again" : ""));
    TriggerState state = old;
    if (fresh) {
      state = now_[i];
      state.fired = old.fired;
      state.last_step = old.last_step;
    }
    state.table = std::move(table);
    state.gone = false;
    now_[i] = std::move(state);
    if (fresh) pass_at_iter(i);
  }

  void add(size_t i) {
    if (is_over(now_[i])) return;  // completed
    tell(described(now_[i].table) + " is new");
    pass_at_iter(i);
  }

  // An update that is over does not come again; the one that was just made has.
  void pass_at_iter(size_t i) {
    const auto& when = set_.operations()[i].when;
    if (!when || !when->at_iter || !state_.started) return;
    now_[i].at_iter_passed = *when->at_iter < state_.step;
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

  void move_round() {
    if (state_.round) {
      std::vector<bool> asked(set_.operations().size());
      for (size_t i = 0; i < asked.size(); ++i)
        asked[i] = found_[i] && *found_[i] < state_.round->asked.size() && state_.round->asked[*found_[i]];
      state_.round->asked = std::move(asked);
    } else if (!asked_now_.empty()) {
      state_.round = Round{Event::step_ended};
      state_.round->asked.assign(set_.operations().size(), true);
      for (const size_t i : asked_now_) state_.round->asked[i] = false;
    }
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
  std::vector<TriggerState> now_;
  std::vector<std::optional<size_t>> found_;  // by operation: the checkpoint's
  std::vector<bool> taken_;                   // of the checkpoint's
  std::vector<size_t> asked_now_;
  std::map<size_t, size_t> moved_;  // of the checkpoint's, to where
  ResumedOperations out_;
};

}  // namespace

ResumedOperations resume_operations(const OperationSet& operations, TrainState& state) {
  return Matching(operations, state).run();
}

}  // namespace gptcore
