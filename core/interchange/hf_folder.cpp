#include "core/interchange/hf_folder.h"

#include <nlohmann/json.hpp>

#include "core/base/file_system.h"
#include "gptcore/error.h"
#include "gptcore/lfs_pointer.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr uint64_t kMaxIndexBytes = uint64_t{64} << 20;
constexpr std::string_view kPrefix = "transformer.";

[[noreturn]] void refuse_index(const std::string& what, const fs::path& index) {
  throw Error(Code::checkpoint_corrupt, what, "use another copy of the folder", index.string());
}

// "h.0.attn.bias": the causal mask, which old versions of transformers saved.
bool is_buffer(const std::string& name) {
  return name.starts_with("h.") && (name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"));
}

void refuse_pointer(FileSystem& files, const fs::path& path) {
  std::string start(kLfsPointerStart, '\0');
  start.resize(files.open(path)->read_at(0, std::as_writable_bytes(std::span(start))));
  refuse_lfs_pointer(start, Code::checkpoint_missing, path.string());
}

[[noreturn]] void no_weights(FileSystem& files, const fs::path& folder) {
  if (files.kind(folder) == FileKind::absent)
    throw Error(Code::checkpoint_missing, "the folder does not exist", "download the model and give its folder",
                folder.string());
  for (const char* pickle : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (files.kind(folder / pickle) != FileKind::file) continue;
    refuse_pointer(files, folder / pickle);
    throw Error(Code::checkpoint_mismatch,
                std::string("the weights are in ") + pickle + ", which is not read: it may run code when it is opened",
                "convert it: python -c \"import transformers as t; "
                "t.GPT2LMHeadModel.from_pretrained('DIR').save_pretrained('DIR', safe_serialization=True)\"",
                folder.string());
  }
  if (files.kind(folder / "ckpt.pt") == FileKind::file)
    throw Error(Code::checkpoint_mismatch, "the weights are in ckpt.pt, which is not read: it may run code when it is opened",
                "docs/models.md shows how to convert it", folder.string());
  throw Error(Code::checkpoint_missing, std::string("the folder has neither ") + kWeights + " nor " + kIndex,
              "download the model's safetensors too", folder.string());
}

// Returns tensor -> file, as the index says.
std::map<std::string, std::string> read_index(FileSystem& files, const fs::path& index) {
  const std::string text = read_text(files, index, kMaxIndexBytes);
  refuse_lfs_pointer(text, Code::checkpoint_missing, index.string());
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("weight_map") || !json.at("weight_map").is_object())
    refuse_index("the index is not JSON with a 'weight_map'", index);
  std::map<std::string, std::string> map;
  for (const auto& [tensor, file] : json.at("weight_map").items()) {
    if (!file.is_string()) refuse_index("the index gives no file for tensor '" + tensor + "'", index);
    const std::string& name = file.get_ref<const std::string&>();
    if (name.empty() || name.front() == '.' || name.find_first_of("/\\") != std::string::npos ||
        !name.ends_with(".safetensors"))
      refuse_index("the index names the file '" + name + "', which is not a safetensors file of this folder", index);
    map.emplace(tensor, name);
  }
  return map;
}

}  // namespace

HfFolder::HfFolder(FileSystem& files, const fs::path& folder) : folder_(folder) {
  if (files.kind(folder / kWeights) == FileKind::file) {
    files_.push_back(std::make_unique<SafetensorsFile>(files, folder / kWeights));
    for (const TensorInfo& tensor : files_.back()->tensors()) add(*files_.back(), tensor, folder / kWeights);
  } else if (files.kind(folder / kIndex) == FileKind::file) {
    open_shards(files, folder / kIndex);
  } else {
    no_weights(files, folder);
  }
}

void HfFolder::open_shards(FileSystem& files, const fs::path& index) {
  const std::map<std::string, std::string> places = read_index(files, index);
  std::map<std::string, const SafetensorsFile*> shards;
  for (const auto& [tensor, name] : places) {
    if (shards.contains(name)) continue;
    if (files.kind(folder_ / name) != FileKind::file)
      throw Error(Code::checkpoint_missing, "the index names " + name + ", which is not there", "download all shards",
                  index.string());
    files_.push_back(std::make_unique<SafetensorsFile>(files, folder_ / name));
    shards.emplace(name, files_.back().get());
  }
  for (const auto& [tensor, name] : places) {
    const TensorInfo* info = shards.at(name)->find(tensor);
    if (!info) refuse_index("the index says that tensor '" + tensor + "' is in " + name + ", which does not hold it", index);
    add(*shards.at(name), *info, index);
  }
  for (const auto& [name, shard] : shards)
    for (const TensorInfo& tensor : shard->tensors())
      if (const auto place = places.find(tensor.name); place == places.end() || place->second != name)
        refuse_index("tensor '" + tensor.name + "' is in " + name + ", which the index does not say", index);
}

void HfFolder::add(const SafetensorsFile& file, const TensorInfo& tensor, const fs::path& path) {
  const std::string name = tensor.name.starts_with(kPrefix) ? tensor.name.substr(kPrefix.size()) : tensor.name;
  if (is_buffer(name)) return;
  if (!tensors_.emplace(name, Found{&file, &tensor}).second)
    throw Error(Code::checkpoint_corrupt, "tensor '" + name + "' is there with and without the prefix 'transformer.'",
                "use another copy of the file", path.string());
}

}  // namespace gptcore
