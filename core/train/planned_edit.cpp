#include "core/train/planned_edit.h"

#include <algorithm>

#include "core/config/suggest.h"
#include "core/model/network.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

// Settings that may change between two updates.
const std::vector<std::string> kSettings = {"learning_rate", "min_lr",     "warmup_iters",  "lr_decay_iters",
                                            "batch_size",    "grad_clip",  "weight_decay",  "gradient_accumulation_steps",
                                            "eval_iters",    "max_iters",  "eval_interval", "schedule"};

void put(Table& table, const std::string& key, Value value) {
  for (auto& [name, old] : table)
    if (name == key) {
      old = std::move(value);
      return;
    }
  table.emplace_back(key, std::move(value));
}

}  // namespace

void PlannedEdit::require(Effects effect, const char* name) const {
  if ((effects_ & effect) == 0)
    throw Error(Code::conflict, std::string("it did not declare the effect ") + name,
                std::string("add static constexpr Effects effects = ") + name + "; to its class");
}

void PlannedEdit::set(std::string_view key, Value value) {
  require(kChangesTraining, "kChangesTraining");
  const std::string name(key);
  if (std::find(kSettings.begin(), kSettings.end(), name) == kSettings.end())
    throw Error(Code::unknown_key, "no setting '" + name + "' can change during training",
                did_you_mean(name, kSettings, "there are " + listed(kSettings)));
  const Schema<TrainOptions> schema = schema_of<TrainOptions>();
  for (const ParamSpec& spec : schema.specs()) {
    if (spec.name != name) continue;
    if (spec.type == Type::number && value.is<int64_t>()) value = static_cast<double>(value.as<int64_t>());
    if (const auto wrong = misfit(spec, value))
      throw Error(wrong->wrong_type ? Code::wrong_type : Code::out_of_range, "'" + name + "' " + wrong->text);
  }
  put(settings, name, std::move(value));
}

void PlannedEdit::set_trainable(std::string_view pattern, bool on) {
  require(kFreezes, "kFreezes");
  const std::vector<Layer> all = model_.layers(), found = layers_matching(all, pattern);
  if (found.empty()) {
    std::vector<std::string> paths;
    for (const Layer& layer : all) paths.push_back(layer.path);
    throw Error(Code::unknown_name, "no layer fits '" + std::string(pattern) + "'",
                did_you_mean(std::string(pattern), paths, "gptcore summary lists them"));
  }
  for (const ParameterInfo& p : model_.parameters())
    if (p.trainable != on && std::any_of(found.begin(), found.end(),
                                         [&](const Layer& layer) { return p.name.starts_with(layer.path + "."); }))
      (on ? unfreezes : freezes).push_back(p.name);
}

std::vector<std::string> PlannedEdit::lines() const {
  std::vector<std::string> out;
  for (const auto& [key, value] : settings) out.push_back(key + " = " + to_toml(value));
  for (const std::string& name : freezes) out.push_back("freeze " + name);
  for (const std::string& name : unfreezes) out.push_back("unfreeze " + name);
  return out;
}

TrainOptions with_settings(const TrainOptions& options, const Table& settings) {
  const Schema<TrainOptions> schema = schema_of<TrainOptions>();
  TrainOptions changed = options;
  schema.assign(settings, changed);
  for (const Problem& problem : schema.problems(changed))
    throw Error(Code::conflict, "'" + problem.key + "': " + problem.message, problem.hint);
  return changed;
}

}  // namespace gptcore
