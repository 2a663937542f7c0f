#include "core/checkpoint/inspection.h"

#include <nlohmann/json.hpp>

#include "core/base/file_system.h"
#include "core/checkpoint/checkpoint.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;
using Path = std::filesystem::path;

Json describe_tensors(FileSystem& files, const Path& path, bool hash) {
  const SafetensorsFile file(files, path);
  Json tensors = Json::array();
  uint64_t elements = 0, data_bytes = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    Json json = {{"name", tensor.name}, {"dtype", dtype_name(tensor.dtype)}, {"shape", tensor.shape}, {"bytes", tensor.bytes}};
    if (hash) json["xxh3"] = file.hash(tensor);
    tensors.push_back(std::move(json));
    elements += tensor.bytes / dtype_bytes(tensor.dtype);
    data_bytes += tensor.bytes;
  }
  return {{"path", path.string()},
          {"kind", "safetensors"},
          {"whole", true},
          {"size", file.size()},
          {"metadata", Json(file.metadata())},
          {"tensors", tensors},
          {"tensor_count", file.tensors().size()},
          {"elements", elements},
          {"data_bytes", data_bytes}};
}

Json main_state(const std::string& text) {
  const Json state = Json::parse(text, nullptr, false);
  Json shown = Json::object();
  for (const char* key : {"step", "tokens", "best_val_loss"}) {
    if (state.is_object() && state.contains(key) && !state[key].is_null()) shown[key] = state[key];
  }
  return shown;
}

Json describe_checkpoint(FileSystem& files, const Path& directory, bool hash) {
  const Checkpoint checkpoint{directory, read_checkpoint_manifest(files, directory)};
  Json listed = Json::array(), contents = Json::array();
  Json state, config;
  bool whole = true;
  for (const FileRecord& record : checkpoint.manifest.files) {
    const std::string problem = file_problem(files, directory, record);
    listed.push_back({{"name", record.name}, {"size", record.size}, {"problem", problem}});
    whole = whole && problem.empty();
    if (!problem.empty()) continue;
    if (record.name.ends_with(".safetensors")) contents.push_back(describe_tensors(files, directory / record.name, hash));
    if (record.name == "state.json") state = main_state(checkpoint.text(files, record.name));
    if (record.name == "config.toml") config = (directory / record.name).string();
  }
  return {{"path", directory.string()}, {"kind", "checkpoint"}, {"whole", whole},
          {"step", checkpoint.step()},  {"files", listed},      {"state", state},
          {"config", config},           {"contents", contents}};
}

}  // namespace

Json inspect_path(FileSystem& files, const Path& path, bool hash) {
  if (files.kind(path) == FileKind::file) return describe_tensors(files, path, hash);
  if (files.kind(path / kManifestFile) == FileKind::file) return describe_checkpoint(files, path, hash);
  const auto steps = list_steps(files, checkpoint_folder(path));
  if (!steps.empty()) return describe_checkpoint(files, checkpoint_folder(path) / step_name(steps.front()), hash);
  throw Error(Code::checkpoint_missing,
              "'" + path.string() + "' " +
                  (files.kind(path) == FileKind::absent ? "does not exist"
                                                        : "is neither a safetensors file, a checkpoint nor a run with one"),
              "give a .safetensors file, a run folder or one of its ckpt/step-* folders");
}

}  // namespace gptcore
