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

// A checkpoint from right before an operation, which undoing that goes back to.
struct UndoPoint {
  int64_t number = 0;                                          // how many entries the journal had
  int64_t operation = 0;                                       // index of its state in OperationSet::states()
  double val_loss = std::numeric_limits<double>::quiet_NaN();  // of the model right before it; NaN: nothing judges it
  int64_t evaluations = 0;                                     // since, of models that were trained with it
  int64_t step = -1;                                           // updates done then, in this stage
  int64_t best_step = -1;                                      // of the run's best checkpoint then; -1 = there was none
  EvaluationPlan measured = {0, 0};                            // what val_loss was measured on; 0 iters = not known
  bool judged = false;                                         // it stays
  bool operator==(const UndoPoint&) const = default;
};

// An event after which operations are still to be asked.
struct Round {
  Event event = Event::step_ended;
  Table record = {};             // the fields that were published with it
  bool judged = false;           // those on trial were judged
  std::vector<bool> asked = {};  // by operation; false beyond its end
  bool operator==(const Round&) const = default;
};

// What a stage carries from step to step besides parameters and moments. Saved in every checkpoint.
struct TrainState {
  int64_t step = 0;             // updates done in this stage
  int64_t micro_batches = 0;    // computed by each rank in this stage
  int64_t samples = 0;          // taken by all ranks in this stage: the place in the data
  int64_t tokens = 0;           // trained on, over all ranks
  int64_t evaluated_step = -1;  // of the last evaluation: not repeated on resume
  double best_val_loss = std::numeric_limits<double>::infinity();
  Plateau patience;                             // of early stopping
  std::optional<EvaluationPlan> best_measured;  // what these two were measured on; absent: nothing, or not known
  std::set<int64_t> former_bests;  // steps of the run's best checkpoints whose losses stopped to compare; they are kept
  int64_t skips_in_a_row = 0;
  double seconds = 0;                                           // spent training
  std::optional<double> train_loss, val_loss;                   // of the last evaluation; absent: no window had a target
  double grad_norm = std::numeric_limits<double>::quiet_NaN();  // of the last update that read it, before clipping

  // What operations have done.
  bool started = false;                               // asked for stage_started
  std::optional<Round> round;                         // that was cut off
  std::optional<Round> next_round;                    // that follows it
  Table settings;                                     // changed ones of the stage, by key
  std::vector<TriggerState> triggers;                 // OperationSet::states()
  std::vector<UndoPoint> undo_points;                 // oldest first
  std::map<std::string, int64_t> evaluator_failures;  // EvaluatorSet::failures()
  SpikeState spikes;
  int64_t rewind_step = -1;  // where a spike goes back to: of the newest checkpoint that no stop has added; -1 = there is none

  // Has the best model and patience count from the next evaluation.
  void forget_best() {
    best_val_loss = std::numeric_limits<double>::infinity();
    patience = {};
    best_measured.reset();
  }
  // As forget_best(), where later losses are of other tokens, other data or another model: earlier ones judge no operation on
  // trial, and no loss or gradient norm is usual.
  void forget_losses() {
    forget_best();
    spikes.loss = spikes.grad_norm = {};
    for (UndoPoint& point : undo_points) point.val_loss = std::numeric_limits<double>::quiet_NaN();
  }
  bool operator==(const TrainState&) const = default;
};

// An edit as it was committed. The journal of a run is in every checkpoint.
struct JournalEntry {
  int64_t step = 0;  // updates done in the whole run
  std::string operation;
  std::vector<std::string> changes;  // "widen ...", one a change
  bool operator==(const JournalEntry&) const = default;
};

// Where training goes back to, and what it takes along.
struct Rewind {
  std::optional<UndoPoint> point;                                      // absent: the checkpoint of `step`
  Table told;                                                          // of the event `operation`, once training is back
  std::function<void(TrainState&, std::vector<JournalEntry>&)> amend;  // what was saved, before training goes on from there
  std::vector<TriggerState> triggers = {};                             // OperationSet::states() until then
  int64_t step = -1;                                                   // updates of the whole run
};

}  // namespace gptcore
