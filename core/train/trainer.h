// The training loop of one stage.
//
//   operations asked (stage_started)
//   until max_iters, max_tokens, max_time, patience or a signal:
//     due? evaluate, evaluators -> evaluation_ended; best so far -> checkpoint; operations asked
//     train_step                -> step_ended every log_interval; operations asked
//     due, or memory is short? checkpoint
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/distributed/process_group.h"
#include "core/events/bus.h"
#include "core/model/network.h"
#include "core/train/commit.h"
#include "core/train/evaluation.h"
#include "core/train/evaluator_set.h"
#include "core/train/memory_watch.h"
#include "core/train/operation_set.h"
#include "core/train/plateau.h"
#include "core/train/spikes.h"
#include "core/train/stop_signals.h"
#include "core/train/train_options.h"
#include "core/train/train_step.h"

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
  Plateau patience;  // of early stopping
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
};

// An edit as it was committed. The journal of a run is in every checkpoint.
struct JournalEntry {
  int64_t step = 0;  // updates done in the whole run
  std::string operation;
  std::vector<std::string> changes;  // "widen ...", one a change
};

// Where training goes back to, and what it takes along.
struct Rewind {
  std::optional<UndoPoint> point;                                      // absent: the checkpoint of `step`
  Table told;                                                          // of the event `operation`, once training is back
  std::function<void(TrainState&, std::vector<JournalEntry>&)> amend;  // what was saved, before training goes on from there
  std::vector<TriggerState> triggers = {};                             // OperationSet::states() until then
  int64_t step = -1;                                                   // updates of the whole run
};

// What a stage trains with; all of it outlives the call.
struct TrainContext {
  TrainStep& step;
  Network& network;  // step.model, with its layers
  ProcessGroup& group;
  Dataset& dataset;
  std::mutex& dataset_mutex;
  EventBus& bus;
  const StopSignals& signals;
  Host& host;
  OperationSet& operations;
  EvaluatorSet& evaluators;
  NetworkFactory& factory;
  Structure& structure;                // kept up to date with what is committed
  std::vector<JournalEntry>& journal;  // appended to
  uint64_t seed = 0;                   // of the run: what edits draw their numbers from
  EditSupport support = {};            // but for what the loop knows itself
  int64_t first_step = 0;              // updates of earlier stages, for events and checkpoints
  double peak_flops = 0;               // of this rank's device; 0 = unknown, no MFU
  MemorySources memory = {};
  // Publishes a checkpoint. When it throws Error(io | disk_full) training goes on, up to three times in a row; not at the end.
  std::function<void(const TrainState&, bool best)> save = {};
  // Makes the parts of `step` anew for these options, the network and what requires gradients now; moments are these, or kept
  // when null. When it throws nothing has changed.
  std::function<void(const TrainOptions&, const NamedMoments*)> rebuild = {};
  // Publishes a checkpoint for UndoPoint `number` and returns the step of the run's best checkpoint, -1 when there is none;
  // forgets those of lower numbers. Absent: nothing can be undone.
  std::function<int64_t(const TrainState&, int64_t number)> keep_point = {};
  std::function<void(int64_t number)> forget_points_before = {};
  // Why the checkpoint of that UndoPoint cannot be gone back to; none = it can. Absent: all can.
  std::function<std::optional<Error>(int64_t number)> point_problem = {};
  std::optional<Rewind> rewind = {};  // set by StageEnd::rewound
};

// rewound: the caller loads what TrainContext::rewind asks for and calls again.
enum class StageEnd { finished, early_stopped, interrupted, rewound };

// Micro-batches per update and rank that `options` ask for. Throws Error(conflict) when tokens_per_step does not divide.
int64_t accumulation_steps(const TrainOptions& options, int64_t block_size, int64_t ranks);

// [all ranks] Trains from `state` on and leaves it at the end. Throws Error(nonfinite) when loss or gradients are not
// finite and the policy says so; parameters and moments are then those of the last good update. It has no hint when the model
// itself computes no numbers any more.
StageEnd train(const TrainOptions& options, TrainContext& context, TrainState& state);

}  // namespace gptcore
