// The state of a train stage between two updates, and where training returns to when an operation is undone.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/train/evaluation.h"
#include "core/train/plateau.h"
#include "core/train/spikes.h"
#include "core/train/trigger.h"
#include "gptcore/events.h"

namespace gptcore {

// A checkpoint from right before an operation. Undoing the operation returns to it.
struct UndoPoint {
  int64_t number = 0;                                          // entries of the journal at that time
  int64_t operation = 0;                                       // index of its state in OperationSet::states()
  double val_loss = std::numeric_limits<double>::quiet_NaN();  // of the model right before it; NaN: nothing can judge it
  int64_t evaluations = 0;                                     // since then, of models trained with the operation
  int64_t step = -1;                                           // updates done at that time, in this stage
  int64_t best_step = -1;                                      // of the run's best checkpoint at that time; -1 = none
  EvaluationPlan measured = {0, 0};                            // the windows of val_loss; 0 iters = not known
  bool judged = false;                                         // the operation stays
  bool operator==(const UndoPoint&) const = default;
};

// An event whose operations have not all been asked yet.
struct Round {
  Event event = Event::step_ended;
  Table record = {};             // the fields that were published with it
  bool judged = false;           // the operations on trial were judged
  std::vector<bool> asked = {};  // by operation; false beyond its end
  bool operator==(const Round&) const = default;
};

// The state of a stage besides parameters and moments. Every checkpoint holds it.
struct TrainState {
  int64_t step = 0;             // updates done in this stage
  int64_t micro_batches = 0;    // computed by each rank in this stage
  int64_t samples = 0;          // taken by all ranks in this stage: the place in the data
  int64_t tokens = 0;           // trained on, over all ranks
  int64_t evaluated_step = -1;  // of the last evaluation, which a resumed run does not repeat
  double best_val_loss = std::numeric_limits<double>::infinity();
  Plateau patience;                             // of early stopping
  std::optional<EvaluationPlan> best_measured;  // the windows of these two; absent: none, or not known
  std::set<int64_t> former_bests;  // steps of best checkpoints that are kept although their losses no longer compare
  int64_t skips_in_a_row = 0;
  double seconds = 0;                                           // spent training
  std::optional<double> train_loss, val_loss;                   // of the last evaluation; absent: no window had a target
  double grad_norm = std::numeric_limits<double>::quiet_NaN();  // of the last update that read it, before clipping

  // The progress of operations.
  bool started = false;                               // operations were asked after stage_started
  std::optional<Round> round;                         // interrupted by a stop
  std::optional<Round> next_round;                    // follows `round`
  Table settings;                                     // options of the stage that operations have changed, by key
  std::vector<TriggerState> triggers;                 // OperationSet::states()
  std::vector<UndoPoint> undo_points;                 // oldest first
  std::map<std::string, int64_t> evaluator_failures;  // EvaluatorSet::failures()
  SpikeState spikes;
  int64_t rewind_step = -1;  // a spike returns here: the newest checkpoint that was not saved by a stop; -1 = none

  // Restarts the best model and patience at the next evaluation.
  void forget_best() {
    best_val_loss = std::numeric_limits<double>::infinity();
    patience = {};
    best_measured.reset();
  }
  // Call it when later losses are of other tokens, other data or another model. Does what forget_best() does; besides, earlier
  // losses judge no operation on trial and set no limit for spikes.
  void forget_losses() {
    forget_best();
    spikes.loss = spikes.grad_norm = {};
    for (UndoPoint& point : undo_points) point.val_loss = std::numeric_limits<double>::quiet_NaN();
  }
  bool operator==(const TrainState&) const = default;
};

// A committed edit. Every checkpoint holds the run's journal.
struct JournalEntry {
  int64_t step = 0;  // updates done in the whole run
  std::string operation;
  std::vector<std::string> changes;  // "widen ...", one a change
  bool operator==(const JournalEntry&) const = default;
};

// The point that training returns to, and what it takes along.
struct Rewind {
  std::optional<UndoPoint> point;  // absent: the checkpoint of `step`
  Table told;                      // record of the event `operation`, emitted after the return
  std::function<void(TrainState&, std::vector<JournalEntry>&)> amend;  // changes the saved state before training continues
  std::vector<TriggerState> triggers = {};                             // OperationSet::states() before the return
  int64_t step = -1;                                                   // updates of the whole run
};

}  // namespace gptcore
