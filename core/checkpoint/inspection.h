// Describes a safetensors file, a checkpoint or a run as JSON, for `gptcore inspect`.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace gptcore {

class FileSystem;

// Returns "path", "kind", "whole" (true when nothing is damaged or missing) and the keys of the kind:
//   safetensors: "size", "metadata", "tensors" [{name, dtype, shape, bytes, xxh3}], "tensor_count", "elements", "data_bytes"
//   checkpoint: "step", "files" [{name, size, problem}], "state" {step, tokens, best_val_loss, as known}, "config" (path),
//   and "contents": the above for each undamaged safetensors file
// For a run folder the newest checkpoint is described. With `hash` each tensor's data is hashed. Throws
// Error(checkpoint_missing) when there is nothing to describe, Error(checkpoint_corrupt) for an invalid safetensors file or
// manifest.
nlohmann::ordered_json inspect_path(FileSystem& files, const std::filesystem::path& path, bool hash);

}  // namespace gptcore
