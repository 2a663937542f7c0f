#include "core/train/operation_set.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "gptcore/error.h"
#include "gptcore/event_fields.h"

namespace gptcore {
namespace {

bool in_sequence(const ScheduledOperation& o) {
  return o.when && o.when->in_sequence();
}

// Returns the same for an operation whose table is gone.
bool was_in_sequence(const TriggerState& state) {
  const auto when = state.table.find("when");
  return when != state.table.end() &&
         (when->second.starts_with("trigger_loss = ") || when->second.starts_with("max_wait_iters = "));
}

// Returns whether training cannot continue: a plugin crashed, a rank was lost, or the program made a mistake.
bool is_fatal(Code code) {
  return code == Code::plugin_failed || code == Code::peer_lost || code == Code::internal;
}

void add_number(Table& fields, const char* name, double number) {
  if (!std::isnan(number)) fields.emplace_back(name, number);
}

// Returns the fields of every record about an operation; the phase comes first.
Table record_fields(const ScheduledOperation& o, const TrainingView& now, const OperationDuties& duties,
                    const std::string& why) {
  Table fields{{field::kPhase, "start"},
               {field::kOperation, o.name},
               {field::kIter, duties.first_step() + now.step},
               {field::kEdit, duties.edits()}};
  if (!o.value.empty()) fields.emplace_back(field::kValue, o.value);
  fields.emplace_back(field::kTrigger, why);
  add_number(fields, field::kValLoss, now.val_loss);
  if (o.when && o.when->trigger_loss) fields.emplace_back(field::kTriggerLoss, *o.when->trigger_loss);
  if (o.when && o.when->max_wait_iters) fields.emplace_back(field::kMaxWait, *o.when->max_wait_iters);
  return fields;
}

Table in_phase(Table fields, const char* phase) {
  fields.front().second = phase;
  return fields;
}

}  // namespace

void OperationSet::add(ScheduledOperation operation) {
  TriggerState state;
  if (operation.completed) state.status = OperationStatus::skipped;
  state.completed = operation.completed;
  state.table = operation.table;
  state.policy = operation.policy;
  operations_.push_back(std::move(operation));
  states_.push_back(state);
}

std::string OperationSet::name(size_t index) const {
  return index < operations_.size() ? operations_[index].name : states_.at(index).table.at("use");
}

std::string OperationSet::due(size_t index, const Moment& moment) const {
  const ScheduledOperation& o = operations_[index];
  if (!o.when) return (o.events & on(moment.now.event)) != 0 ? name_of(moment.now.event) : "";
  return reason(*o.when, moment, states_[index], sequence_step());
}

int64_t OperationSet::sequence_step() const {
  int64_t last = 0;
  for (size_t i = 0; i < states_.size(); ++i) {
    if (states_[i].status != OperationStatus::done) continue;  // one that failed or was undone is as if it had never been
    if (i < operations_.size() ? in_sequence(operations_[i]) : was_in_sequence(states_[i]))
      last = std::max(last, states_[i].last_step);
  }
  return last;
}

bool OperationSet::ask(TrainingView& now, const Table& record, OperationDuties& duties, const std::vector<bool>& asked) {
  const std::vector<bool> before = asked;  // duties.carry_out adds to it
  const auto agree = [&](double number) { return duties.agree(number); };
  bool sequence_waits = false;
  for (size_t i = 0; i < operations_.size(); ++i) {
    const ScheduledOperation& o = operations_[i];
    if (i < before.size() && before[i]) {
      const bool paused = o.reevaluate && states_[i].fired > 0 && states_[i].last_step == now.step;
      const bool waits = paused || states_[i].status == OperationStatus::pending;
      sequence_waits = sequence_waits || (in_sequence(o) && waits);
      continue;
    }
    if (states_[i].status != OperationStatus::pending) continue;
    const Moment moment{now, record, duties.last_val_loss()};
    if (o.when) observe(*o.when, moment, agree, states_[i]);
    if (in_sequence(o) && sequence_waits) continue;
    const std::string why = due(i, moment);
    const bool idle = !why.empty() && o.when && o.effects == kUndoes && duties.nothing_to_undo(i);
    const Outcome outcome = !why.empty() && !idle ? attempt(i, now, why, duties) : Outcome::nothing;
    if (outcome == Outcome::goes_back) return true;
    if (idle && in_sequence(o)) note_fired(*o.when, now.step, now.val_loss, states_[i]);  // those behind it do not wait
    if (o.when) note_asked(*o.when, now, states_[i]);
    if (in_sequence(o))
      sequence_waits = states_[i].status == OperationStatus::pending || (outcome == Outcome::changed && o.reevaluate);
  }
  return false;
}

// An operation without `when` is asked so often that only its failures are reported.
Outcome OperationSet::attempt(size_t index, TrainingView& now, const std::string& why, OperationDuties& duties) {
  ScheduledOperation& o = operations_[index];
  const int64_t edit = duties.edits();
  Table fields;
  if (o.when) {
    duties.refresh(now);
    fields = record_fields(o, now, duties, why);
    duties.report(fields);
  }
  Outcome outcome = Outcome::nothing;
  try {
    if (const auto unopened = unopened_.find(index); unopened != unopened_.end()) throw unopened->second.why;
    outcome = duties.carry_out(index, now);
  } catch (const Error& e) {
    fail(index, now, o.when ? std::move(fields) : record_fields(o, now, duties, why), e, duties);
    return Outcome::nothing;
  }
  if (outcome == Outcome::goes_back || (!o.when && outcome == Outcome::nothing)) return outcome;
  if (o.when) {
    note_fired(*o.when, now.step, now.val_loss, states_[index]);
    duties.report(in_phase(std::move(fields), "success"));
  }
  duties.refresh(now);
  if (o.reevaluate) reevaluate(index, edit, now, duties);
  return Outcome::changed;
}

void OperationSet::fail(size_t index, const TrainingView& now, const Table& fields, const Error& error,
                        OperationDuties& duties) {
  const ScheduledOperation& o = operations_[index];
  const bool stays = dynamic_cast<const CannotUndo*>(&error) != nullptr;
  states_[index].status = stays ? OperationStatus::pending : OperationStatus::failed;
  states_[index].last_step = now.step;
  Table told = in_phase(fields, "error");
  told.emplace_back(field::kError, error.what());
  duties.report(std::move(told));
  if (o.skip_on_error && !is_fatal(error.code())) return;
  if (error.code() != Code::peer_lost && error.code() != Code::internal) duties.save();
  if (error.code() == Code::plugin_failed) throw;
  throw Error(error.code(), "operation '" + o.name + "' after step " + std::to_string(now.step) + ": " + error.what(),
              error.hint(), error.where());
}

void OperationSet::reevaluate(size_t index, int64_t edit, TrainingView& now, OperationDuties& duties) {
  const auto [before, after] = duties.reevaluate();
  duties.refresh(now);
  Table fields{{field::kPhase, "reevaluation"},
               {field::kOperation, operations_[index].name},
               {field::kIter, duties.first_step() + now.step},
               {field::kEdit, edit}};
  add_number(fields, field::kOldValLoss, before);
  add_number(fields, field::kNewValLoss, after);
  add_number(fields, field::kChange, after - before);
  duties.report(std::move(fields));
  if (operations_[index].when) restart_plateau(*operations_[index].when, now.val_loss, states_[index]);
}

void OperationSet::restart_plateaus() {
  for (TriggerState& state : states_) state.plateau = {};
}

bool OperationSet::waits_for_time(Event event) const {
  for (size_t i = 0; i < operations_.size(); ++i) {
    const ScheduledOperation& o = operations_[i];
    if (states_[i].status != OperationStatus::pending) continue;
    if (o.when ? o.when->seconds.has_value() : (o.events & on(event)) != 0) return true;
  }
  return false;
}

bool OperationSet::waits_for_grad_norm() const {
  for (size_t i = 0; i < operations_.size(); ++i)
    if (states_[i].status == OperationStatus::pending && operations_[i].when && operations_[i].when->grad_norm_above)
      return true;
  return false;
}

void OperationSet::published() {
  for (size_t i = 0; i < operations_.size(); ++i)
    if (states_[i].status == OperationStatus::done && operations_[i].on_done) {
      std::exchange(operations_[i].on_done, {})();
      states_[i].completed = true;
    }
}

std::vector<std::string> OperationSet::save() const {
  std::vector<std::string> all;
  for (size_t i = 0; i < operations_.size(); ++i) {
    const auto unopened = unopened_.find(i);
    all.push_back(unopened != unopened_.end() ? unopened->second.saved : operations_[i].operation->save());
  }
  return all;
}

void OperationSet::load(const std::vector<TriggerState>& states, const std::vector<std::string>& saved) {
  if (states.size() < operations_.size() || saved.size() != operations_.size())
    throw Error(Code::internal,
                std::to_string(states.size()) + " states for " + std::to_string(operations_.size()) + " operations");
  states_ = states;
  for (size_t i = 0; i < operations_.size(); ++i) {
    if (states_[i].status == OperationStatus::failed && !operations_[i].skip_on_error)
      states_[i].status = OperationStatus::pending;
    if (const auto unopened = unopened_.find(i); unopened != unopened_.end())
      unopened->second.saved = saved[i];
    else if (!saved[i].empty())
      operations_[i].operation->load(saved[i]);
  }
}

}  // namespace gptcore
