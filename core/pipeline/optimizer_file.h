// Reads a checkpoint's optimizer.safetensors. It holds "exp_avg.<name>", "exp_avg_sq.<name>" and "step.<name>" of every
// parameter that has been trained.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/optim/adamw.h"

namespace gptcore {

class FileSystem;

inline constexpr const char* kOptimizerFile = "optimizer.safetensors";

// Returns the number of updates that each of these parameters' moments in the file come from, without the moments themselves.
// Make the AdamW with the result before load_moments(). `born` is SavedState's.
NamedMoments saved_updates(FileSystem& files, const Checkpoint& checkpoint, const std::vector<Parameter>& parameters,
                           const std::optional<std::map<std::string, int64_t>>& born);

// Fills the optimizer's moments. Throws Error(checkpoint_mismatch) when the file does not fit, unless `other_model`: then the
// moments that fit are taken.
void load_moments(FileSystem& files, const Checkpoint& checkpoint, AdamW& optimizer, bool other_model);

}  // namespace gptcore
