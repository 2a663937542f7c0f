// Adapters alone, without the model they were trained on: a safetensors file of "<layer>.<item>.<name>", whose metadata says
// what they are. docs/adapters.md describes it.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/checkpoint/store.h"
#include "gptcore/model.h"

namespace gptcore {

class FileSystem;

// What such a file says of itself.
struct AdapterFile {
  std::string gptcore;      // version that wrote it
  Table base;               // what the writer knew of the base model: n_layer, n_embd
  std::string base_shapes;  // hash of the base parameters' names and shapes
  std::vector<AdapterInfo> adapters;
  std::string tokens;  // tokens_hash() of the run; "" = not known, as in files of before
};

// The file as a part of a checkpoint. `parameters` are the network's, its base model's and its adapters'; the part refers to
// their memory, or to copies in `keep`.
CheckpointPart adapter_part(const std::string& file, const std::vector<Parameter>& parameters,
                            const std::vector<AdapterInfo>& adapters, const Table& base, std::vector<at::Tensor>& keep,
                            const std::string& tokens = {});
// Writes the file by itself; an old one of that path is replaced at once or, on failure, left as it is.
void write_adapters(FileSystem& files, const std::filesystem::path& path, const std::vector<Parameter>& parameters,
                    const std::vector<AdapterInfo>& adapters, const Table& base, const std::string& tokens = {});

// Throws Error(checkpoint_mismatch) when the file holds no adapters, Error(checkpoint_corrupt) when it is damaged.
AdapterFile read_adapter_file(FileSystem& files, const std::filesystem::path& path);

// Whether load_adapters() would go well: reads no tensor. Throws what it throws.
void check_adapters(FileSystem& files, const std::filesystem::path& path, const std::vector<Parameter>& parameters,
                    const std::vector<AdapterInfo>& adapters);

// Whether the rows of adapters on an embedding or head are known to be of this run's tokens, whose tokens_hash() is given; true
// where there are no such adapters. Throws Error(checkpoint_mismatch) where they are of other tokens, and what load_adapters()
// throws of the file itself.
bool check_adapter_tokens(FileSystem& files, const std::filesystem::path& path, const std::vector<AdapterInfo>& adapters,
                          const std::string& tokens);

// Fills the network's adapters from the file, which must hold just these with tensors of these shapes. Else throws
// Error(checkpoint_mismatch) saying what differs, and Error(data_missing) where there is no such file, before anything is
// written. Returns a line for each difference that leaves them usable, "alpha: 16.0 -> 8.0 (blocks.0.attn.qkv and 3 more)", and
// for a base model of other shapes.
std::vector<std::string> load_adapters(FileSystem& files, const std::filesystem::path& path,
                                       const std::vector<Parameter>& parameters, const std::vector<AdapterInfo>& adapters);

}  // namespace gptcore
