// Matches the operations of a stage with those in a checkpoint, although tables may have been added, changed, moved or removed.
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

// Puts the checkpoint's operation states into the order of `operations`, which were just added. An operation matches by name,
// arguments and `when` (equal ones in order), else by name and `when`, else, while pending, by name and arguments. An operation
// that succeeded before is not carried out again. New operations are pending. States of removed operations that succeeded
// follow at the end. `left` holds the states that training goes back from, null on a resume: at_iter and `completed` keep what
// they say.
ResumedOperations resume_operations(const OperationSet& operations, TrainState& state,
                                    const std::vector<TriggerState>* left = nullptr);

}  // namespace gptcore
