// Finds what a pipeline's operations will do by committing them on a model without values, in the order of time. An operation
// that waits for what only the run shows follows the one before it in the pipeline.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/pipeline/session.h"
#include "gptcore/error.h"

namespace gptcore {

struct PlannedOperation {
  std::string stage, operation, trigger, where;
  std::optional<int64_t> step;        // updates done in the stage by then, at the latest; absent: unknown
  std::vector<std::string> changes;   // empty: it plans nothing before it has seen the run
  std::vector<std::string> shapes;    // "blocks.0.mlp.fc.weight (64, 16) -> (128, 16)", "+ blocks.2.ln_1.weight (16)"
  int64_t params = 0, trainable = 0;  // after it
  int64_t bytes = 0;                  // of weights, gradients and moments after it, float32
  std::optional<double> tolerance;    // of a logit, when it promises the same function
};

struct SchedulePlan {
  std::vector<PlannedOperation> rows;
  std::vector<Error> errors;  // of operations that fail; later ones are planned without them
};

inline constexpr Effects kAnyOrNone = ~Effects{0};  // includes operations without effects

// Returns the plan. The session's tokenizer and dataset are open; its model is not used and may be absent. Leaves out
// operations that have none of `effects`. With kControlsData, the dataset's controls are tried and put back. `goes_on`: an
// existing run continues, and operations that the pipeline no longer has may have succeeded in it.
SchedulePlan plan_schedule(const PipelineConfig& config, Session& session, Effects effects = kAnyOrNone, bool goes_on = false);

}  // namespace gptcore
