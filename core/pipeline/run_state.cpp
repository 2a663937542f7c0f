#include "core/pipeline/run_state.h"

#include <nlohmann/json.hpp>

#include "core/base/file_system.h"
#include "core/base/json_fault.h"
#include "core/config/document.h"
#include "core/pipeline/older_state.h"
#include "core/pipeline/state_fields.h"
#include "gptcore/error.h"
#include "gptcore/version.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 7, kOldestFormat = 6;
constexpr const char* kOlder = "resume from an older checkpoint";

}  // namespace

Json to_field(OperationStatus status) {
  return name_of(status);
}

void from_field(const Json& json, OperationStatus& status) {
  const auto found = operation_status(json.get<std::string>());
  if (!found) throw Error(Code::checkpoint_corrupt, "an operation's status is " + json.dump(), kOlder);
  status = *found;
}

Json to_field(Event event) {
  return name_of(event);
}

void from_field(const Json& json, Event& event) {
  for (const Event known : {Event::stage_started, Event::step_ended, Event::evaluation_ended})
    if (json == name_of(known)) {
      event = known;
      return;
    }
  throw Error(Code::checkpoint_corrupt, "operations follow the unknown event " + json.dump(), kOlder);
}

Json to_field(const EvaluationPlan& plan) {
  return Json::array({plan.iters, plan.batch_size});
}

void from_field(const Json& json, EvaluationPlan& plan) {
  json.at(0).get_to(plan.iters);
  json.at(1).get_to(plan.batch_size);
}

std::string format_state(const SavedState& state) {
  Json json = {{"format", kFormat}, {"gptcore", GPTCORE_VERSION}};
  FieldWriter fields(json);
  list_fields(fields, state);
  return json.dump(2) + "\n";
}

SavedState parse_state(const std::string& text, const std::string& where) {
  try {
    const Json json = Json::parse(text);
    const int64_t format = json.at("format").get<int64_t>();
    if (format < kOldestFormat || format > kFormat)
      throw Error(Code::checkpoint_mismatch,
                  "state format " + std::to_string(format) + " is none of " + std::to_string(kOldestFormat) + " to " +
                      std::to_string(kFormat),
                  "use the gptcore that wrote it");
    SavedState state;
    from_field(json, state);
    complete_older(json, state);
    return state;
  } catch (const Json::exception& e) {
    throw Error(Code::checkpoint_corrupt, "state.json does not fit its format: " + json_fault(e.what()), kOlder, where);
  } catch (const Error& e) {
    throw e.at(where);
  }
}

SavedState read_state(FileSystem& files, const Checkpoint& checkpoint) {
  SavedState saved = parse_state(checkpoint.text(files, "state.json"), (checkpoint.directory / "state.json").string());
  complete_older(saved, files, checkpoint);
  return saved;
}

void require_readable(FileSystem& files, const Checkpoint& checkpoint) {
  read_state(files, checkpoint);
  for (const FileRecord& file : checkpoint.manifest.files)
    if (file.name.ends_with(".safetensors")) checkpoint.tensors(files, file.name);
}

std::vector<std::string> replace_changed(SavedState& saved, const Settings& now) {
  std::vector<std::string> lines;
  std::erase_if(saved.train.settings, [&](const auto& set) {
    const std::string key = saved.stage + "." + set.first;
    const Settings::const_iterator before = saved.settings.find(key), fresh = now.find(key);
    if (before == saved.settings.end() || fresh == now.end() || before->second == fresh->second) return false;
    lines.push_back(key + " = " + fresh->second + " replaces " + to_toml(set.second) + ", which an operation had set");
    return true;
  });
  return lines;
}

}  // namespace gptcore
