// Writes and reads adapters without the model that they were trained on: a safetensors file of tensors "<layer>.<item>.<name>",
// whose metadata describes the adapters. docs/adapters.md specifies the format.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/store.h"
#include "gptcore/model.h"

namespace gptcore {

class FileSystem;

// A checkpoint has this file when its model has adapters.
inline constexpr const char* kAdaptersFile = "adapters.safetensors";

// The metadata of an adapter file.
struct AdapterFile {
  std::string gptcore;      // version that wrote it
  Table base;               // the keys of the base model that the writer knew: n_layer, n_embd
  std::string base_shapes;  // hash of the base parameters' names and shapes
  std::vector<AdapterInfo> adapters;
  std::string tokens;  // tokens_hash() of the run; "" = unknown, as in older files
};

// Returns the file as a part of a checkpoint. `parameters` are all of the network's, the base model's and the adapters'. The
// part refers to their memory, or to copies in `keep`.
CheckpointPart adapter_part(const std::string& file, const std::vector<Parameter>& parameters,
                            const std::vector<AdapterInfo>& adapters, const Table& base, std::vector<at::Tensor>& keep,
                            const std::string& tokens = {});
// Writes the file by itself. An existing file is replaced atomically, or left as it is on failure.
void write_adapters(FileSystem& files, const std::filesystem::path& path, const std::vector<Parameter>& parameters,
                    const std::vector<AdapterInfo>& adapters, const Table& base, const std::string& tokens = {});

// Throws Error(checkpoint_mismatch) when the file holds no adapters, Error(checkpoint_corrupt) when it is damaged.
AdapterFile read_adapter_file(FileSystem& files, const std::filesystem::path& path);

// Returns why the file's adapters are not the network's, or "". The network may have further adapters. Those on an embedding or
// head, whose rows belong to tokens, must only be present.
std::string adapters_without_place(FileSystem& files, const std::filesystem::path& path,
                                   const std::vector<Parameter>& parameters, std::vector<AdapterInfo> adapters);

// A file whose adapters are exactly the given ones, with tensors of the same shapes. Only load() reads the tensors.
class FittingAdapters {
 public:
  // Throws Error at the file: (data_missing) when it is absent, (checkpoint_corrupt) when it is damaged, (checkpoint_mismatch)
  // with the differences, also when adapters on an embedding or head belong to other tokens than `tokens`, the run's
  // tokens_hash(); "" = unknown.
  FittingAdapters(FileSystem& files, const std::filesystem::path& path, std::vector<Parameter> parameters,
                  std::vector<AdapterInfo> adapters, const std::string& tokens = {});

  // Returns false when there are adapters on an embedding or head and the file or the run does not tell the tokens of their
  // rows.
  bool knows_tokens() const { return knows_tokens_; }
  // Fills the network's adapters. Returns a line for each difference that leaves them usable, "alpha: 16.0 -> 8.0
  // (blocks.0.attn.qkv and 3 more)", and one when the base model has other shapes.
  std::vector<std::string> load() const;

 private:
  std::vector<Parameter> parameters_;
  std::vector<AdapterInfo> adapters_;
  SafetensorsFile file_;
  std::vector<std::string> notes_;
  bool knows_tokens_ = true;
};

}  // namespace gptcore
