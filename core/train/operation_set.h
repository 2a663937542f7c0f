// The operations of a train stage: who is asked when, and what became of it.
//
//   for each operation, in the pipeline's order, that is still pending and fires:
//     phase "start" -> carried out -> phase "success", or "error" -> it is over, or the run is
//     `reevaluate`: the val loss is estimated again -> phase "reevaluation", and the sequence pauses until the next event
//   one of the sequence is considered only when those of the sequence before it are over: several may follow one another at
//   one evaluation, with the same val loss
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
  bool skip_on_error = false;                // else the run ends
  bool completed = false;                    // never asked
  Value value = {};                          // its parameter `value`, for records
  std::function<void()> on_done = {};        // called once when a checkpoint holds that it is done
  std::optional<double> undo_if_worse = {};  // rise of the val loss that undoes it
  int64_t judge_after = 1;                   // evaluations until then
  OperationTable table = {};                 // by which a resumed run knows it
  OperationTable policy = {};                // the keys of which it tells when they have changed
};

// A val loss on both sides of an operation, on the same batches.
struct Reevaluation {
  double before = 0, after = 0;
};

// What carry_out throws when the operation to be undone cannot be: the one that asked for that stays pending.
struct CannotUndo final : Error {
  using Error::Error;
};

// What carrying out an operation comes to.
enum class Outcome { nothing, changed, goes_back };  // goes_back: training returns to before an earlier operation

// What an operation set asks of the training loop. Every call is [all ranks].
class OperationDuties {
 public:
  virtual ~OperationDuties() = default;
  // Plans and commits the operation. A failure leaves the training as it was.
  virtual Outcome carry_out(size_t index, const TrainingView& now) = 0;
  // Returns whether an operation that can only undo has nothing to undo, and warns of it once.
  virtual bool nothing_to_undo(size_t index) = 0;
  // Returns the last evaluation's val loss; absent: no window had a target.
  virtual std::optional<double> last_val_loss() const = 0;
  // Returns how many edits the run's journal has.
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
  // Opened by who adds it, before it is asked or loaded.
  void add(ScheduledOperation operation);
  // Its open() failed with that: so does carrying it out, and what it had saved is kept as it is.
  void leave_unopened(size_t index, const Error& why) { unopened_.insert_or_assign(index, Unopened{why, {}}); }
  bool empty() const { return operations_.empty(); }
  const std::vector<ScheduledOperation>& operations() const { return operations_; }
  // Of the operation that states()[index] is of.
  std::string name(size_t index) const;

  // Asks every operation that is due after `now.event`; `record` holds the fields that were published with it. A failed one
  // throws an Error that names it, unless its policy is to go on; a plugin's crash and a lost rank always throw. Those whose
  // index is true in `asked` were asked already. Returns true when training goes back: then the operations that follow were not
  // asked.
  bool ask(TrainingView& now, const Table& record, OperationDuties& duties, const std::vector<bool>& asked = {});

  // Every `plateau` counts from the next val loss: those until now compare with none that follows.
  void restart_plateaus();

  // Whether something looks at the time trained after this event, or at each update's gradient norm.
  bool waits_for_time(Event event) const;
  bool waits_for_grad_norm() const;

  // A checkpoint with states() as they are now was published: calls `on_done` of those that are done.
  void published();

  // Parts of a checkpoint. States of operations that the pipeline has no more follow those of operations().
  const std::vector<TriggerState>& states() const { return states_; }
  std::vector<std::string> save() const;  // each one's own
  // `states` in the order of resume_operations(), `saved` as many as operations(). One that failed and ended the run is
  // pending again.
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
