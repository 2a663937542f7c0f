#include "core/config/stage_kinds.h"

#include <algorithm>
#include <optional>

#include "core/config/core_owner.h"

namespace gptcore {
namespace {

// The keys of a train stage for its operations file. TrainOptions lacks them, because the training loop needs neither.
struct OperationsFileOptions {
  std::optional<std::string> operations_file;
  bool write_back = false;
  static void schema(Schema<OperationsFileOptions>& s) {
    s.param("operations_file", &OperationsFileOptions::operations_file, "YAML or JSON list of operations, in order")
        .path()
        .cosmetic();
    s.param("write_back", &OperationsFileOptions::write_back, "set `completed: true` in that file when one is done").cosmetic();
  }
};

template <class T> StageOptions options_of(const Section& checked) {
  return checked.as<T>();
}

template <class T> StageKind stage_kind(const std::string& name, const std::string& doc, bool operations, bool evaluators) {
  const std::string title = (name == "evaluate" ? "an " : "a ") + name + " stage";
  return {name, doc, operations, evaluators, core_owner<T>(title, {"kind", "name"}), options_of<T>};
}

StageKind train_kind() {
  StageKind kind = stage_kind<TrainOptions>("train", "Trains the model. Stages run in the file's order.", true, true);
  const Schema<OperationsFileOptions> own = schema_of<OperationsFileOptions>();
  kind.owner.params.insert(kind.owner.params.end(), own.specs().begin(), own.specs().end());
  kind.owner.check = [check = kind.owner.check](const Table& values) {
    Problems found = check(values);
    const Value *file = find(values, "operations_file"), *back = find(values, "write_back");
    if (*back == Value(true) && file->empty())
      found.push_back({"write_back", "write_back without an operations_file", "leave it out; progress is in every checkpoint"});
    return found;
  };
  return kind;
}

}  // namespace

const std::vector<StageKind>& stage_kinds() {
  static const std::vector<StageKind> kinds = {
      train_kind(), stage_kind<EvaluateOptions>("evaluate", "Measures the loss.", false, true),
      stage_kind<SampleOptions>("sample", "Writes text.", false, false),
      stage_kind<PrepareOptions>("prepare", "Writes the dataset as files of tokens.", false, false)};
  return kinds;
}

const StageKind* find_stage_kind(const std::string& name) {
  const auto& kinds = stage_kinds();
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const StageKind& kind) { return kind.name == name; });
  return found == kinds.end() ? nullptr : &*found;
}

std::vector<std::string> stage_kind_names() {
  std::vector<std::string> names;
  for (const StageKind& kind : stage_kinds()) names.push_back(kind.name);
  return names;
}

std::string stages_that_take(bool StageKind::*takes) {
  std::string text;
  for (const StageKind& kind : stage_kinds())
    if (kind.*takes) text += (text.empty() ? "a " : " or ") + kind.name;
  return text + " stage's";
}

}  // namespace gptcore
