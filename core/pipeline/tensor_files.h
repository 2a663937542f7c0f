// Tensors to and from a checkpoint's safetensors files, by name.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/store.h"
#include "gptcore/model.h"

namespace gptcore {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;
NamedTensors named_tensors(const std::vector<Parameter>& parameters);

// A part that refers to the tensors' memory; tensors on a GPU are copied to the CPU first and kept in `keep`.
CheckpointPart tensor_part(const std::string& file, const NamedTensors& tensors, std::vector<at::Tensor>& keep);

// Fills every tensor from the file. Throws Error(checkpoint_mismatch) listing what is missing, left over or of another
// shape, before anything is written.
void load_tensors(FileSystem& files, const Checkpoint& checkpoint, const std::string& file, const NamedTensors& tensors);

}  // namespace gptcore
