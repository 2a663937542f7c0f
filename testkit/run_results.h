// Reads what a tiny run left in its folder.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "gptcore/events.h"

namespace gptcore {

using TensorsByName = std::map<std::string, at::Tensor>;

// Returns all tensors of a checkpoint's file, on the CPU. `path` is a run folder, whose newest checkpoint is read, or a
// checkpoint's folder. Throws Error(checkpoint_*).
TensorsByName checkpoint_tensors(const std::filesystem::path& path, const std::string& file);

// Returns the records in the run's metrics.jsonl, or none when it was not written. A number that JSON cannot hold is NaN.
std::vector<Record> run_records(const std::filesystem::path& run_dir);

// Returns the keys of the train stage that operations have changed. Throws Error(checkpoint_*).
Table changed_settings(const std::filesystem::path& run_dir);

// Return the loss of each update, in order, and the numbers of the last evaluation.
std::vector<double> losses(const std::vector<Record>& records);
std::map<std::string, double> last_metrics(const std::vector<Record>& records);

// Returns "" when all are equal bit for bit, else the first difference.
std::string difference(const TensorsByName& a, const TensorsByName& b);

}  // namespace gptcore
