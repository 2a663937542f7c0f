// Adapters alone, without the model they were trained on: a safetensors file of "<layer>.<item>.<name>", whose metadata says
// what they are. docs/adapters.md describes it.
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

// The file of a checkpoint whose model has adapters.
inline constexpr const char* kAdaptersFile = "adapters.safetensors";

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

// What keeps the file's adapters from being the network's, in words; "" when nothing does. The network may have others besides.
// Of those on an embedding or head, whose rows are of tokens, only the presence is looked at.
std::string adapters_without_place(FileSystem& files, const std::filesystem::path& path,
                                   const std::vector<Parameter>& parameters, std::vector<AdapterInfo> adapters);

// A file whose adapters are just the network's, with tensors of these shapes; its tensors are read by load() alone.
class FittingAdapters {
 public:
  // Throws Error at the file: (data_missing) where there is none, (checkpoint_mismatch) saying what differs, also where
  // adapters on an embedding or head are of other tokens than `tokens`, the run's tokens_hash(); "" = not known.
  FittingAdapters(FileSystem& files, const std::filesystem::path& path, std::vector<Parameter> parameters,
                  std::vector<AdapterInfo> adapters, const std::string& tokens = {});

  // False where there are adapters on an embedding or head, and the file or the run does not tell the tokens of their rows.
  bool knows_tokens() const { return knows_tokens_; }
  // Fills the network's adapters. Returns a line for each difference that leaves them usable, "alpha: 16.0 -> 8.0
  // (blocks.0.attn.qkv and 3 more)", and for a base model of other shapes.
  std::vector<std::string> load() const;

 private:
  std::vector<Parameter> parameters_;
  std::vector<AdapterInfo> adapters_;
  SafetensorsFile file_;
  std::vector<std::string> notes_;
  bool knows_tokens_ = true;
};

}  // namespace gptcore
