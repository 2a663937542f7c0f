// Makes and opens the operations and evaluators of each stage before anything is computed.
#pragma once

#include <map>
#include <string>

#include "core/config/pipeline_config.h"
#include "core/pipeline/run_state.h"
#include "core/pipeline/session.h"
#include "core/train/evaluator_set.h"
#include "core/train/operation_set.h"

namespace gptcore {

struct StageItems {
  OperationSet operations;
  EvaluatorSet evaluators;
};

// Returns the items by the stage's name. The session's model is open; its values may be anything. Errors of open() name the
// table. On a resume `saved` is the checkpoint's state: operations that no longer fit the model stay unopened when they cannot
// fire again, and fail when they fire if they were pending then.
std::map<std::string, StageItems> open_stage_items(const PipelineConfig& config, Session& session, uint64_t seed,
                                                   const SavedState* saved = nullptr);

// Warns of operations that wait for a metric that no evaluator of their stage publishes, or for more evaluations than there
// are.
void warn_of_triggers(const PipelineConfig& config, Host& host);

}  // namespace gptcore
