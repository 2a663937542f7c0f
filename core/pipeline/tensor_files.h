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

// Reads the tensor piece by piece when it is saved, from whatever device it is on.
TensorSource streamed(const std::string& name, const at::Tensor& tensor);

// A part that refers to the tensors' memory. Nothing is copied: what is on a GPU is streamed. Only tensors that do not lie in
// row order are copied first, and kept in `keep`.
CheckpointPart tensor_part(const std::string& file, const NamedTensors& tensors, std::vector<at::Tensor>& keep);

// Throws Error(checkpoint_mismatch) listing what the file lacks, has left over or has in another shape; reads no values.
void check_tensors(FileSystem& files, const Checkpoint& checkpoint, const std::string& file, const NamedTensors& tensors);
// Fills every tensor from the file. Throws what check_tensors() throws, before anything is written.
void load_tensors(FileSystem& files, const Checkpoint& checkpoint, const std::string& file, const NamedTensors& tensors);

// Whether a file of tensors has neither NaN nor infinity.
bool all_finite(FileSystem& files, const Checkpoint& checkpoint, const std::string& file);

struct LoadedTensors {
  size_t loaded = 0, left = 0, dropped = 0;  // filled, left as they were, of the file that none here takes
};
// Fills the tensors whose name and shape the file has.
LoadedTensors load_matching(FileSystem& files, const Checkpoint& checkpoint, const std::string& file,
                            const NamedTensors& tensors);

}  // namespace gptcore
