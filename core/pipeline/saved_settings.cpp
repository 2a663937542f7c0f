#include "core/pipeline/saved_settings.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "core/config/document.h"
#include "core/config/operation_keys.h"
#include "core/config/owner.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

void add(Settings& all, const std::string& prefix, const Section& section) {
  if (!section.use.empty()) all[prefix + ".use"] = to_toml(Value(section.use));
  for (const auto& [key, value] : section.values) all[prefix + "." + key] = to_toml(value);
}

// Returns whether the setting must be equal for the weights of one model to fit the other.
bool is_identity(const std::string& key) {
  return (key.starts_with("model.") && key != "model.dropout" && key != "model.preset" && key != "model.init_from") ||
         key == "tokenizer.use" || (key.starts_with("adapter.") && !key.ends_with(".train_base"));
}

}  // namespace

Settings settings_of(const PipelineConfig& config) {
  Settings all;
  add(all, "run", config.run);
  if (config.tokenizer) add(all, "tokenizer", *config.tokenizer);
  if (config.dataset) add(all, "dataset", *config.dataset);
  add(all, "model", config.model);
  for (const Section& adapter : config.adapters) add(all, adapter.path, adapter);
  for (const StageConfig& stage : config.stages)
    if (stage.kind == "train") {
      add(all, stage.name, stage.table);
      for (const Section& operation : stage.operations) add(all, operation.path.substr(std::strlen("stage.")), operation);
    }
  return all;
}

Settings observing_settings_of(const PipelineConfig& config) {
  Settings all;
  for (const StageConfig& stage : config.stages) {
    if (stage.kind != "train") add(all, stage.name, stage.table);
    for (const Section& evaluator : stage.evaluators) add(all, evaluator.path.substr(std::strlen("stage.")), evaluator);
  }
  return all;
}

std::pair<std::string, Table> operation_in(const Settings& settings, const std::string& stage, size_t index) {
  const std::string prefix = stage + ".operation." + std::to_string(index) + ".";
  std::string use;
  Table values;
  for (const auto& [key, text] : settings) {
    if (!key.starts_with(prefix)) continue;
    Value value = parse_value(text);
    if (key == prefix + "use")
      use = value.is<std::string>() ? value.as<std::string>() : text;
    else
      values.emplace_back(key.substr(prefix.size()), std::move(value));
  }
  return {use, values};
}

std::vector<OperationTable> operations_in(const Settings& settings, const std::string& stage) {
  std::vector<OperationTable> all;
  while (true) {
    const auto [use, values] = operation_in(settings, stage, all.size());
    if (use.empty()) return all;
    all.push_back(operation_table(use, values));
  }
}

bool other_model(const Settings& saved, const Settings& now) {
  const auto differs = [](const Settings& a, const Settings& b) {
    return std::any_of(a.begin(), a.end(), [&](const auto& entry) {
      if (!is_identity(entry.first)) return false;
      const auto found = b.find(entry.first);
      return found == b.end() || found->second != entry.second;
    });
  };
  return differs(saved, now) || differs(now, saved);
}

std::vector<std::string> changed_settings(const Settings& saved, const Settings& now, const std::string& checkpoint,
                                          bool allow_other_model) {
  std::vector<std::string> changes;
  std::string mismatch;
  bool other_tokens = false;
  std::set<std::string> told;  // tables that only one of them has
  const auto lacks = [](const Settings& all, const std::string& table) {
    const auto first = all.lower_bound(table + ".");
    return first == all.end() || !first->first.starts_with(table + ".");
  };
  const auto compare = [&](const std::string& key, const std::string& old_value, const std::string& new_value) {
    if (old_value == new_value || is_cosmetic(key)) return;
    if (is_identity(key) && (!allow_other_model || key == "tokenizer.use")) {
      other_tokens |= key == "tokenizer.use";
      mismatch += (mismatch.empty() ? "" : ", ") + key + " is " + new_value + " here and " + old_value + " there";
    } else if (const std::string table = key.substr(0, key.find('.')); lacks(saved, table) || lacks(now, table)) {
      if (told.insert(table).second)
        changes.push_back(table + " is " + (lacks(now, table) ? "absent" : "new") + " in this pipeline");
    } else
      changes.push_back(key + ": " + old_value + " -> " + new_value +
                        (key.starts_with("tokenizer.") ? "; its vocabulary stays the checkpoint's" : ""));
  };
  for (const auto& [key, value] : saved) {
    const auto found = now.find(key);
    compare(key, value, found == now.end() ? "absent" : found->second);
  }
  for (const auto& [key, value] : now)
    if (!saved.contains(key)) compare(key, "absent", value);
  if (!mismatch.empty())
    throw Error(
        Code::checkpoint_mismatch, "the checkpoint is of another model: " + mismatch,
        "set the old values, choose another run.name, start over with --overwrite, or " +
            (other_tokens ? "start a new run with model.init_from = \"ckpt:" + checkpoint + "\": each token's row comes along"
                          : std::string("keep what fits with --allow-arch-change")),
        checkpoint);
  return changes;
}

}  // namespace gptcore
