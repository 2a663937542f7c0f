#include "core/config/operation_keys.h"

#include <algorithm>

#include "gptcore/suggest.h"

namespace gptcore {
namespace {

Problems check_when(const Table& values) {
  Problems found;
  const Value* when = find(values, "when");
  if (!when || !when->is<Table>()) return found;
  const Schema<When> schema = schema_of<When>();
  std::vector<std::string> names;
  for (const ParamSpec& spec : schema.specs()) names.push_back(spec.name);
  for (const auto& [key, value] : when->as<Table>()) {
    const auto at = std::find(names.begin(), names.end(), key);
    if (at == names.end())
      found.push_back(
          {"when", "'when' has no condition '" + key + "'", did_you_mean(key, names, "there are " + listed(names))});
    else if (const auto wrong = misfit(schema.specs()[static_cast<size_t>(at - names.begin())], value))
      found.push_back({"when", "'when." + key + "' " + wrong->text, {}});
  }
  if (!found.empty()) return found;
  When conditions;
  schema.assign(when->as<Table>(), conditions);
  return schema.problems(conditions);
}

}  // namespace

void OperationKeys::schema(Schema<OperationKeys>& s) {
  s.param("when", &OperationKeys::when, "when it fires: { every = 10 }, { loss_below = 2.1, after_iters = 5000 }, ...");
  s.param("reevaluate", &OperationKeys::reevaluate, "estimate the val loss again after it");
  s.param("on_error", &OperationKeys::on_error, "what to do when it fails")
      .choice("stop", "the run ends with a checkpoint")
      .choice("skip", "the run continues and it does not fire again");
  s.param("completed", &OperationKeys::completed, "it does not fire").cosmetic();
  s.param("undo_if_worse", &OperationKeys::undo_if_worse,
          "undo it when the val loss has risen by more than this after judge_after evaluations")
      .at_least(0);
  s.param("judge_after", &OperationKeys::judge_after, "evaluations until undo_if_worse is checked").range(1, 1e6);
}

std::optional<When> OperationKeys::conditions() const {
  if (!when) return std::nullopt;
  When out;
  schema_of<When>().assign(*when, out);
  return out;
}

void add_operation_keys(Owner& owner) {
  const bool own_when = owner.find("when") != nullptr;
  const Schema<OperationKeys> keys = schema_of<OperationKeys>();
  for (const ParamSpec& spec : keys.specs())
    if (!owner.find(spec.name)) owner.params.push_back(spec);
  if (own_when) return;
  owner.check = [own = owner.check](const Table& values) {
    Problems found = own ? own(values) : Problems{};
    for (Problem& problem : check_when(values)) found.push_back(std::move(problem));
    return found;
  };
}

std::map<std::string, std::string> operation_table(const std::string& use, const Table& values) {
  std::map<std::string, std::string> table{{"use", use}};
  const Schema<OperationKeys> schema = schema_of<OperationKeys>();
  const auto is_policy = [&](const std::string& key) {
    return std::any_of(schema.specs().begin(), schema.specs().end(), [&](const ParamSpec& spec) { return spec.name == key; });
  };
  for (const auto& [key, value] : values)
    if (!value.empty() && !is_policy(key)) table[key] = to_toml(value);
  if (const auto when = operation_keys(values).conditions()) table["when"] = text_of(*when);
  return table;
}

std::map<std::string, std::string> operation_policy(const Table& values) {
  std::map<std::string, std::string> policy;
  const OperationKeys keys = operation_keys(values);
  for (const auto& [key, value] : schema_of<OperationKeys>().values(keys))
    if (!value.empty() && key != "when" && key != "completed") policy[key] = to_toml(value);
  return policy;
}

OperationKeys operation_keys(const Table& values) {
  const Schema<OperationKeys> schema = schema_of<OperationKeys>();
  Table fitting;  // an item's own parameter of the same name may be of another type
  for (const ParamSpec& spec : schema.specs())
    if (const Value* value = find(values, spec.name); value && !value->empty() && !misfit(spec, *value))
      fitting.emplace_back(spec.name, *value);
  OperationKeys keys;
  schema.assign(fitting, keys);
  return keys;
}

}  // namespace gptcore
