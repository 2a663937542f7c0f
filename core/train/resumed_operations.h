// Which operations of a stage are those that a checkpoint knows, though tables were added, changed, moved or removed since.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/train/trainer.h"

namespace gptcore {

struct ResumedOperations {
  std::vector<std::optional<size_t>> from;  // by operation: its index in the checkpoint, where its own state is to be loaded
  std::vector<std::string> differences;     // one line each
};

// Brings what a checkpoint says of operations into the order of `operations`, which were just added. One is known by name,
// arguments and `when`, equal ones in order; else by name and `when`, or, while it is pending, by name and arguments. What was
// carried out is not again. New ones are pending; those that are gone but were carried out follow at the end. `left` are the
// states that training goes back from, null on a resume: what was then told of at_iter and `completed` stays true.
ResumedOperations resume_operations(const OperationSet& operations, TrainState& state,
                                    const std::vector<TriggerState>* left = nullptr);

}  // namespace gptcore
