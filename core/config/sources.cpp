#include "core/config/sources.h"

#include <algorithm>

#include "core/config/near_misses.h"

namespace gptcore {
namespace {

// Returns the tables of the parameter `source`: one, or a list of them.
std::vector<Table*> tables_in(Table& dataset) {
  std::vector<Table*> out;
  const auto found = std::find_if(dataset.begin(), dataset.end(), [](const auto& entry) { return entry.first == "source"; });
  if (found == dataset.end()) return out;
  if (auto* one = std::get_if<Table>(&found->second.data)) out.push_back(one);
  if (auto* list = std::get_if<List>(&found->second.data))
    for (Value& item : *list)
      if (auto* table = std::get_if<Table>(&item.data)) out.push_back(table);
  return out;
}

void complete(Table& table, const Origin& origin, const Catalog& catalog, const Folders& folders, ErrorList& errors) {
  const Value* use = find(table, "use");
  if (!use || !use->is<std::string>()) return;  // the dataset's own rules report it
  const std::string name = use->as<std::string>();
  const std::optional<Owner> known = owner_of("dataset", name, catalog);
  if (!known) {
    errors.add(Code::unknown_name, "no dataset '" + name + "'", hint_for_item(Kind::dataset, name, catalog), origin);
    return;
  }
  Owner owner = *known;
  owner.title = "source '" + name + "'";
  owner.reserved.push_back("weight");
  RawTable raw{origin, {}};
  for (const auto& [key, value] : table) raw.entries.push_back({key, value, origin, origin});
  Section checked = check_table(raw, owner, folders, errors);
  Table out = {{"use", name}};
  if (const Value* weight = find(table, "weight")) out.emplace_back("weight", *weight);
  for (auto& entry : checked.values)
    if (!entry.second.empty()) out.push_back(std::move(entry));
  complete_sources(out, origin, catalog, folders, errors);
  table = std::move(out);
}

}  // namespace

void complete_sources(Table& dataset, const Origin& origin, const Catalog& catalog, const Folders& folders, ErrorList& errors) {
  for (Table* table : tables_in(dataset)) complete(*table, origin, catalog, folders, errors);
}

std::vector<Table> named_sources(const Table& dataset) {
  std::vector<Table> out;
  Table copy = dataset;
  for (Table* table : tables_in(copy))
    if (const Value* use = find(*table, "use"); use && use->is<std::string>()) out.push_back(std::move(*table));
  return out;
}

std::vector<std::string> sources_of(const Table& dataset) {
  std::vector<std::string> out;
  for (const Table& table : named_sources(dataset)) {
    out.push_back(find(table, "use")->as<std::string>());
    for (std::string& inner : sources_of(table)) out.push_back(std::move(inner));
  }
  return out;
}

}  // namespace gptcore
