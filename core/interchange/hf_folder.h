// The weight files of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json names.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/checkpoint/safetensors.h"

namespace gptcore {

class FileSystem;

// Finds GPT-2's tensors by name without `transformer.`, except the attention's buffers (attn.bias, attn.masked_bias).
class HfFolder {
 public:
  struct Found {
    const SafetensorsFile* file = nullptr;
    const TensorInfo* tensor = nullptr;
  };

  // Opens all files but reads no data. Throws Error(checkpoint_missing) when there are none, with what is there instead and how
  // to convert it, and Error(checkpoint_corrupt) at an invalid file.
  HfFolder(FileSystem& files, const std::filesystem::path& folder);

  const std::map<std::string, Found>& tensors() const { return tensors_; }
  std::string where() const { return folder_.string(); }

 private:
  void open_shards(FileSystem& files, const std::filesystem::path& index);
  void add(const SafetensorsFile& file, const TensorInfo& tensor, const std::filesystem::path& path);

  std::filesystem::path folder_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, Found> tensors_;
};

}  // namespace gptcore
