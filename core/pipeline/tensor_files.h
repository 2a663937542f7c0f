// Moves tensors to and from a checkpoint's safetensors files, by name.
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

// Returns a source that reads the tensor piece by piece when it is saved, from any device.
TensorSource streamed(const std::string& name, const at::Tensor& tensor);

// Returns a part that refers to the tensors' memory, which `keep` holds. Copies only tensors that are not contiguous; those on
// a GPU are streamed.
CheckpointPart tensor_part(const std::string& file, const NamedTensors& tensors, std::vector<at::Tensor>& keep);

// Throws Error(checkpoint_mismatch), which lists the tensors that the file lacks, has left over, or has in another shape or
// type. Reads no values.
void check_tensors(FileSystem& files, const Checkpoint& checkpoint, const std::string& file, const NamedTensors& tensors);
// Fills every tensor from the file. Throws what check_tensors() throws, before anything is written.
void load_tensors(FileSystem& files, const Checkpoint& checkpoint, const std::string& file, const NamedTensors& tensors);

// Returns whether a tensor file has neither NaN nor infinity.
bool all_finite(FileSystem& files, const Checkpoint& checkpoint, const std::string& file);

struct LoadedTensors {
  size_t loaded = 0, left = 0, dropped = 0;  // tensors filled, left as they were, and in the file only
};
// Fills the tensors that the file has with the same name, shape and type.
LoadedTensors load_matching(FileSystem& files, const Checkpoint& checkpoint, const std::string& file,
                            const NamedTensors& tensors);

}  // namespace gptcore
