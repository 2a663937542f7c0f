// Decides whether an operation fires and keeps what the decision depends on. when.h explains the conditions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/options/when.h"
#include "core/train/plateau.h"
#include "gptcore/operation.h"

namespace gptcore {

enum class OperationStatus {
  pending,
  done,
  failed,
  skipped,
  undone,  // training went back to before it
};
const char* name_of(OperationStatus status);
std::optional<OperationStatus> operation_status(const std::string& name);

// An operation's table as TOML texts by key, including `use`. It tells the operation from the others of its stage.
using OperationTable = std::map<std::string, std::string>;

// The state of one operation. It is equal on all ranks and part of every checkpoint.
struct TriggerState {
  OperationStatus status = OperationStatus::pending;
  int64_t fired = 0;       // how often the operation succeeded
  int64_t last_step = -1;  // updates done when it last succeeded, failed or was undone; -1 = never
  Plateau plateau;
  std::optional<double> metric;  // the newest
  bool at_iter_passed = false;
  bool came_late = false;  // at_iter had passed when the table was added; the operation stays late after training goes back
  bool completed = false;  // as the pipeline or operations_file says; counts only when the entry is new
  OperationTable table;
  OperationTable policy;  // the table's other keys except `completed`: what follows a failure, an undo, ...
  bool gone = false;      // the pipeline no longer has the table
  bool operator==(const TriggerState&) const = default;
};

// The numbers that come with an event.
struct Moment {
  const TrainingView& now;
  const Table& record;             // the fields that this event's record published; empty when it has none
  std::optional<double> val_loss;  // of the last evaluation; absent: no window had a target
};

// [all ranks] Updates the state from the event's numbers. Call it once an event, before reason(). `agree` makes a number equal
// on all ranks.
void observe(const When& when, const Moment& moment, const std::function<double(double)>& agree, TriggerState& state);

// Returns why the operation fires, as "Loss threshold" or "Timeout"; "" when it does not fire. `sequence_step` is the update at
// which the sequence's last operation succeeded, or 0.
std::string reason(const When& when, const Moment& moment, const TriggerState& state, int64_t sequence_step);

// Notes that the event's round has passed the operation, whether it fired or not: at_iter counts as over.
void note_asked(const When& when, const TrainingView& now, TriggerState& state);
// Notes that the operation succeeded after `step` updates, at this val loss.
void note_fired(const When& when, int64_t step, double val_loss, TriggerState& state);
// Restarts the plateau from this val loss.
void restart_plateau(const When& when, double val_loss, TriggerState& state);

// Returns whether a record of the training loop may have the field. `evaluators` are those of the stage.
bool is_published(const std::string& metric, const std::vector<std::string>& evaluators);

}  // namespace gptcore
