#include "core/pipeline/structure_json.h"

#include <nlohmann/json.hpp>

#include "core/config/document.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

Json table_json(const Table& table) {
  Json all = Json::object();
  for (const auto& [key, value] : table) all[key] = to_toml(value);
  return all;
}

Table table_of(const Json& json) {
  Table all;
  for (const auto& [key, value] : json.items()) all.emplace_back(key, parse_value(value.get<std::string>()));
  return all;
}

}  // namespace

Json structure_json(const Structure& structure) {
  Json out = {{"model", table_json(structure.keys)}, {"trainable", structure.trainable}, {"adapters", Json()}};
  if (!structure.adapters) return out;
  out["adapters"] = Json::array();
  for (const AdapterInfo& a : *structure.adapters)
    out["adapters"].push_back({{"layer", a.layer}, {"use", a.item}, {"values", table_json(a.values)}});
  return out;
}

Structure structure_of(const Json& json) {
  Structure out;
  out.keys = table_of(json.at("model"));
  json.at("trainable").get_to(out.trainable);
  if (json.at("adapters").is_null()) return out;
  out.adapters.emplace();
  for (const Json& a : json.at("adapters"))
    out.adapters->push_back({a.at("layer").get<std::string>(), a.at("use").get<std::string>(), table_of(a.at("values"))});
  return out;
}

Json journal_json(const std::vector<JournalEntry>& journal) {
  Json all = Json::array();
  for (const JournalEntry& entry : journal)
    all.push_back({{"step", entry.step}, {"operation", entry.operation}, {"changes", entry.changes}});
  return all;
}

std::vector<JournalEntry> journal_of(const Json& json) {
  std::vector<JournalEntry> all;
  for (const Json& entry : json)
    all.push_back({entry.at("step").get<int64_t>(), entry.at("operation").get<std::string>(),
                   entry.at("changes").get<std::vector<std::string>>()});
  return all;
}

}  // namespace gptcore
