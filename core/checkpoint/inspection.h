// What `gptcore inspect` tells about a safetensors file, a checkpoint or a run, as JSON.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace gptcore {

class FileSystem;

// Keys: "path", "kind" ("safetensors" or "checkpoint"), "whole" (true when all is as it should be).
//   safetensors: "size", "metadata", "tensors" [{name, dtype, shape, bytes, xxh3}], "tensor_count", "elements", "data_bytes"
//   checkpoint: "step", "files" [{name, size, problem}], "state" {step, tokens, best_val_loss: those it has}, "config" (path),
//   and "contents": the above for each whole safetensors file
// A run folder is shown by its newest checkpoint. With `hash` each tensor's data is hashed. Throws Error(checkpoint_missing)
// when there is nothing to show, Error(checkpoint_corrupt) for a malformed safetensors file or manifest.
nlohmann::ordered_json inspect_path(FileSystem& files, const std::filesystem::path& path, bool hash);

}  // namespace gptcore
