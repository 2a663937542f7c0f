// The training loop of one stage.
//
//   operations asked (stage_started)
//   until max_iters, max_tokens, max_time, patience or a signal:
//     due? evaluate, evaluators -> evaluation_ended; best so far -> checkpoint; operations asked
//     train_step                -> step_ended every log_interval; operations asked
//     due, or memory is short? checkpoint
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "core/device/memory_watch.h"
#include "core/distributed/process_group.h"
#include "core/events/bus.h"
#include "core/model/network.h"
#include "core/options/train_options.h"
#include "core/surgery/commit.h"
#include "core/train/checkpoint_sink.h"
#include "core/train/evaluator_set.h"
#include "core/train/operation_set.h"
#include "core/train/stop_signals.h"
#include "core/train/train_state.h"
#include "core/train/train_step.h"
#include "core/train/trained_parts.h"

namespace gptcore {

// The objects that a stage trains with; all of them outlive the call.
struct TrainContext {
  TrainStep& step;
  TrainedParts& parts;  // of `step`
  CheckpointSink& checkpoints;
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
  Structure& structure;                // updated by every commit
  std::vector<JournalEntry>& journal;  // appended to
  uint64_t seed = 0;                   // of the run; source of the edits' random numbers
  EditSupport support = {};            // the loop fills in the rest
  int64_t first_step = 0;              // updates of earlier stages, for events and checkpoints
  double peak_flops = 0;               // of this rank's device; 0 = unknown, no MFU
  MemorySources memory = {};
};

enum class StageEnd { finished, early_stopped, interrupted, rewound };

struct TrainEnd {
  StageEnd how;
  std::optional<Rewind> rewind = {};  // rewound: the caller loads what this asks for and trains again
};

// Returns the micro-batches per update and rank that `options` ask for. Throws Error(conflict) when tokens_per_step does not
// divide.
int64_t accumulation_steps(const TrainOptions& options, int64_t block_size, int64_t ranks);

// [all ranks] Trains from `state`, which holds the end state on return. Throws Error(nonfinite) when loss or gradients are not
// finite and the policy says so; parameters and moments are then those of the last good update. The error has no hint when a
// parameter itself is not finite.
TrainEnd train(const TrainOptions& options, TrainContext& context, TrainState& state);

}  // namespace gptcore
