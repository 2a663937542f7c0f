#include "core/pipeline/stage_progress.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kLongest = uint64_t{1} << 26;  // samples are in the file

Settings basis_of(const Json& json) {
  Settings basis;
  if (json.is_object())
    for (const auto& [key, value] : json.items())
      if (value.is_string()) basis[key] = value.get<std::string>();
  return basis;
}

}  // namespace

StageProgress::StageProgress(FileSystem& files, std::filesystem::path run_dir)
    : files_(files), path_(std::move(run_dir) / "progress.json") {
  if (files_.kind(path_) != FileKind::file) return;
  // The file only notes what need not be done again; when it cannot be read, stages are repeated.
  const Json json = Json::parse(read_text(files_, path_, kLongest), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return;
  for (const auto& [stage, done] : json.items()) {
    const Json step = done.is_object() ? done.value("step", Json()) : done;  // earlier versions wrote the step alone
    const Json text = done.is_object() ? done.value("result", Json("")) : Json("");
    const Json basis = done.is_object() ? done.value("basis", Json()) : Json();
    const Json checkpoint = done.is_object() ? done.value("checkpoint", Json("")) : Json("");
    if (step.is_number_integer() && text.is_string() && checkpoint.is_string())
      done_[stage] = {step.get<int64_t>(), text.get<std::string>(), basis_of(basis), checkpoint.get<std::string>(),
                      !done.is_object() || done.value("complete", Json(true)) != Json(false)};
  }
}

const StageResult* StageProgress::find(const std::string& stage) const {
  const auto found = done_.find(stage);
  return found == done_.end() ? nullptr : &found->second;
}

void StageProgress::mark(const std::string& stage, StageResult result) {
  done_[stage] = std::move(result);
  Json json = Json::object();
  for (const auto& [name, done] : done_)
    json[name] = {{"step", done.step},
                  {"result", done.text},
                  {"basis", done.basis},
                  {"checkpoint", done.checkpoint},
                  {"complete", done.complete}};
  // A sample may have bytes that are not UTF-8.
  write_file_atomically(files_, path_, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace gptcore
