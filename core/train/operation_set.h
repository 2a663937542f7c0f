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

// What the training loop does for its operations, on all ranks. A failure leaves the training as it was.
struct OperationDuties {
  std::function<bool(size_t index, const TrainingView&)> carry_out;  // false when it planned nothing
  std::function<bool(size_t index)> nothing_to_undo;                 // for one that can only undo; says so once
  std::function<void(TrainingView&)> refresh;                        // brings it up to date
  std::function<Reevaluation()> reevaluate;                          // of the last one that was carried out
  std::function<double(double)> agree;                               // makes a number equal on all ranks
  std::function<void(Table)> report;                                 // tells loggers
  int64_t first_step = 0;                                            // updates before this stage, for records
  std::function<void()> save;                                        // a checkpoint, before the run ends; does not throw
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
  // index is true in `asked` were asked already.
  void ask(TrainingView& now, const Table& record, const OperationDuties& duties, const std::vector<bool>& asked = {});

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
  bool attempt(size_t index, TrainingView& now, const std::string& why, const OperationDuties& duties);
  void fail(size_t index, const TrainingView& now, const Table& fields, const Error& error, const OperationDuties& duties);
  void reevaluate(size_t index, TrainingView& now, const OperationDuties& duties);
  struct Unopened {
    Error why;
    std::string saved;
  };
  std::map<size_t, Unopened> unopened_;
  std::vector<ScheduledOperation> operations_;
  std::vector<TriggerState> states_;
};

}  // namespace gptcore
