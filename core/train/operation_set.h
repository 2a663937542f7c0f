// Asks the operations of a train stage and keeps their states.
//
//   for each operation, in the pipeline's order, that is still pending and fires:
//     phase "start" -> carried out -> phase "success", or "error", which ends the operation or the run
//     `reevaluate`: the val loss is estimated again -> phase "reevaluation", and the sequence pauses until the next event
//   an operation of the sequence waits until those before it in the sequence are over; several may fire at one evaluation, with
//   the same val loss
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/train/trigger.h"
#include "gptcore/error.h"
#include "gptcore/operation.h"

namespace gptcore {

struct ScheduledOperation {
  std::string name;
  std::unique_ptr<Operation> operation;
  std::optional<When> when;  // absent: after each of `events`
  EventSet events = 0;
  Effects effects = 0;
  bool reevaluate = false;
  bool skip_on_error = false;                // default: the run ends
  bool completed = false;                    // the operation is never asked
  Value value = {};                          // the parameter `value`, for records
  std::function<void()> on_done = {};        // called once a checkpoint holds the success
  std::optional<double> undo_if_worse = {};  // rise of the val loss that undoes it
  int64_t judge_after = 1;                   // evaluations until then
  OperationTable table = {};                 // by which a resumed run recognizes the operation
  OperationTable policy = {};                // keys whose changes a resumed run reports
};

// A val loss on both sides of an operation, on the same batches.
struct Reevaluation {
  double before = 0, after = 0;
};

// Thrown by carry_out() when an operation cannot be undone. The operation that asked for the undo stays pending.
struct CannotUndo final : Error {
  using Error::Error;
};

// The outcome of carrying out an operation.
enum class Outcome { nothing, changed, goes_back };  // goes_back: training returns to before an earlier operation

// The calls that an operation set makes to the training loop. All are [all ranks].
class OperationDuties {
 public:
  virtual ~OperationDuties() = default;
  // Plans and commits the operation. A failure leaves the training as it was.
  virtual Outcome carry_out(size_t index, const TrainingView& now) = 0;
  // Returns whether an operation that can only undo has nothing to undo, and warns of it once.
  virtual bool nothing_to_undo(size_t index) = 0;
  // Returns the last evaluation's val loss; absent: no window had a target.
  virtual std::optional<double> last_val_loss() const = 0;
  // Returns the number of edits in the run's journal.
  virtual int64_t edits() const = 0;
  // Brings the view up to date.
  virtual void refresh(TrainingView& now) = 0;
  // Measures the val loss again after the operation that succeeded last.
  virtual Reevaluation reevaluate() = 0;
  // Returns a number that is equal on all ranks.
  virtual double agree(double number) = 0;
  // Passes a record of the event `operation` to loggers.
  virtual void report(Table fields) = 0;
  // Returns the updates before this stage, for records.
  virtual int64_t first_step() const = 0;
  // Saves a checkpoint before the run ends. Throws nothing.
  virtual void save() = 0;
};

class OperationSet {
 public:
  // Adds an operation, which the caller opens before ask() and load().
  void add(ScheduledOperation operation);
  // Notes that the operation's open() failed: carrying it out fails with the same error, and its saved state is kept unchanged.
  void leave_unopened(size_t index, const Error& why) { unopened_.insert_or_assign(index, Unopened{why, {}}); }
  bool empty() const { return operations_.empty(); }
  const std::vector<ScheduledOperation>& operations() const { return operations_; }
  // Returns the name of the operation of states()[index].
  std::string name(size_t index) const;

  // Asks every operation that is due after `now.event`, except those whose index is true in `asked`; `record` holds the event's
  // fields. Throws an Error that names a failed operation, unless its policy is to continue; a plugin's crash and a lost rank
  // always throw. Returns true when training goes back; the remaining operations are not asked then.
  bool ask(TrainingView& now, const Table& record, OperationDuties& duties, const std::vector<bool>& asked = {});

  // Restarts every `plateau` at the next val loss, because earlier losses do not compare with later ones.
  void restart_plateaus();

  // Returns whether an operation depends on the training time after this event, or on each update's gradient norm.
  bool waits_for_time(Event event) const;
  bool waits_for_grad_norm() const;

  // Call it when a checkpoint with the present states() was published. Calls `on_done` of the operations that are done.
  void published();

  // Return parts of a checkpoint. The states of removed operations follow those of operations().
  const std::vector<TriggerState>& states() const { return states_; }
  std::vector<std::string> save() const;  // of each operation
  // Restores `states` in the order of resume_operations() and `saved`, one for each operation. An operation whose failure ended
  // the run is pending again.
  void load(const std::vector<TriggerState>& states, const std::vector<std::string>& saved);

 private:
  std::string due(size_t index, const Moment& moment) const;
  int64_t sequence_step() const;
  Outcome attempt(size_t index, TrainingView& now, const std::string& why, OperationDuties& duties);
  void fail(size_t index, const TrainingView& now, const Table& fields, const Error& error, OperationDuties& duties);
  void reevaluate(size_t index, int64_t edit, TrainingView& now, OperationDuties& duties);
  struct Unopened {
    Error why;
    std::string saved;
  };
  std::map<size_t, Unopened> unopened_;
  std::vector<ScheduledOperation> operations_;
  std::vector<TriggerState> states_;
};

}  // namespace gptcore
