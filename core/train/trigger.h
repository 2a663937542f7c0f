// Whether an operation fires, and what has to be remembered for that. The conditions' meaning is told in when.h.
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

// An operation's table as TOML texts by key, `use` among them: what tells it from the others of its stage.
using OperationTable = std::map<std::string, std::string>;

// Of one operation; equal on all ranks, part of every checkpoint.
struct TriggerState {
  OperationStatus status = OperationStatus::pending;
  int64_t fired = 0;       // how often it was carried out
  int64_t last_step = -1;  // updates done then, or when it failed or was undone; -1 = never
  Plateau plateau;
  std::optional<double> metric;  // the newest
  bool at_iter_passed = false;
  bool came_late = false;  // at_iter was over when its table was added: training that goes back does not ask it either
  bool completed = false;  // the pipeline or operations_file says so: only where that is new does it count
  OperationTable table;
  OperationTable policy;  // its other keys but `completed`: what to do when it fails, is undone, ...
  bool gone = false;      // the pipeline has no such table any more
  bool operator==(const TriggerState&) const = default;
};

// What an event brings.
struct Moment {
  const TrainingView& now;
  const Table& record;             // the fields that this event's record published; empty when it has none
  std::optional<double> val_loss;  // of the last evaluation; absent: no window had a target
};

// [all ranks] Takes in the event's numbers: once an event, before reason(). `agree` makes a number equal on all ranks.
void observe(const When& when, const Moment& moment, const std::function<double(double)>& agree, TriggerState& state);

// Why it fires: "Loss threshold", "Timeout", ...; "" when it does not. `sequence_step` is when the sequence's last operation
// was carried out, else 0.
std::string reason(const When& when, const Moment& moment, const TriggerState& state, int64_t sequence_step);

// Notes that it was asked, or was not because it did not fire, after an event: at_iter is over.
void note_asked(const When& when, const TrainingView& now, TriggerState& state);
// Notes that it was carried out after `step` updates, with this val loss now.
void note_fired(const When& when, int64_t step, double val_loss, TriggerState& state);
// Plateau counts from this val loss on.
void restart_plateau(const When& when, double val_loss, TriggerState& state);

// Whether a record of the training loop may have that field. `evaluators` are those of the stage.
bool is_published(const std::string& metric, const std::vector<std::string>& evaluators);

}  // namespace gptcore
