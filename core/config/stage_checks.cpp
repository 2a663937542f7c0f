#include "core/config/stage_checks.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/config/near_misses.h"
#include "core/config/operation_keys.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

// Settings and overrides of these begin with their name, as those of a stage do.
constexpr const char* kTables[] = {"run", "plugins", "tokenizer", "dataset", "model", "adapter", "stage", "logger"};

bool is_stage_name(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

void refuse_tables(const std::vector<RawTable>& tables, bool StageKind::*takes, ErrorList& errors) {
  for (const RawTable& table : tables)
    errors.add(Code::conflict, "this table is " + stages_that_take(takes), "move it below one", table.header);
}

void check_kind(const RawTable& table, ErrorList& errors) {
  const std::vector<std::string> kinds = stage_kind_names();
  const std::string known = "there are " + listed(kinds);
  const Entry* kind = table.find("kind");
  if (!kind) {
    errors.add(Code::missing_key, "a stage needs 'kind'", known, table.header);
  } else if (!kind->value.is<std::string>()) {
    if (!kind->value.empty())
      errors.add(Code::wrong_type, std::string("'kind' expects a string, got ") + type_name(kind->value), known, kind->origin);
  } else if (std::find(kinds.begin(), kinds.end(), kind->value.as<std::string>()) == kinds.end()) {
    errors.add(Code::unknown_name, "no stage kind " + to_toml(kind->value), hint_for_kind(kind->value.as<std::string>()),
               kind->origin);
  }
}

void check_name(const RawTable& table, const std::vector<std::string>& names, size_t index, ErrorList& errors) {
  const Entry* name = table.find("name");
  if (!name || name->value.empty()) return;
  if (!name->value.is<std::string>())
    errors.add(Code::wrong_type, std::string("'name' expects a string, got ") + type_name(name->value), {}, name->origin);
  else if (!is_stage_name(name->value.as<std::string>()))
    errors.add(Code::out_of_range, "'name' expects a-z, 0-9, '_' and '-', got " + to_toml(name->value), {}, name->origin);
  else if (const std::string given = name->value.as<std::string>();
           std::find(std::begin(kTables), std::end(kTables), given) != std::end(kTables))
    errors.add(Code::conflict, "'" + given + "' is the name of a table of its own, not of a stage", "rename the stage",
               name->origin);
  else if (const auto own = names.begin() + static_cast<std::ptrdiff_t>(index);
           std::find(names.begin(), own, names[index]) != own)
    errors.add(Code::conflict, "two stages are named '" + names[index] + "'", "rename one", name->origin);
}

}  // namespace

void check_stage_keys(const RawTable& table, const std::vector<std::string>& names, size_t index, ErrorList& errors) {
  check_kind(table, errors);
  check_name(table, names, index, errors);
}

void refuse_names_of_unnamed(const std::vector<RawStage>& stages, ErrorList& errors) {
  std::map<std::string, std::pair<int, Origin>> unnamed;  // by kind: how many, and the first
  for (const RawStage& stage : stages)
    if (stage.table.text("name").empty()) {
      auto& [count, first] = unnamed[stage.table.text("kind")];
      if (count++ == 0) first = stage.table.header;
    }
  for (const RawStage& stage : stages)
    for (const auto& [kind, found] : unnamed)
      for (int number = 1; number <= found.first; ++number)
        if (const Entry* name = stage.table.find("name");
            name && !kind.empty() && name->value == Value(number == 1 ? kind : kind + "-" + std::to_string(number)))
          errors.add(Code::conflict,
                     "'" + stage.table.text("name") + "' is also what the " + kind + " stage without a name is called" +
                         (found.second.text().empty() ? "" : " (" + found.second.text() + ")"),
                     "give that one a name, or this one another", name->origin);
}

void resolve_prompt(Section& stage, const Folders& folders) {
  for (size_t i = 0; i < stage.values.size(); ++i) {
    auto& [key, value] = stage.values[i];
    if (key != "prompt" || !value.is<std::string>()) continue;
    const std::string text = value.as<std::string>();
    if (!text.starts_with(kPromptFile) || text.size() == kPromptFile.size()) continue;
    const auto& folder = stage.origins[i].source == Source::command_line ? folders.current : folders.file;
    value = std::string(kPromptFile) + (folder / text.substr(kPromptFile.size())).lexically_normal().string();
  }
}

void check_triggers(const StageConfig& stage, const std::vector<RawTable>& tables, const Catalog& catalog, ErrorList& errors) {
  const auto& options = std::get<TrainOptions>(stage.options);
  for (size_t i = 0; i < tables.size(); ++i) {
    const OperationKeys keys = operation_keys(stage.operations[i].values);
    const std::optional<When> when = keys.conditions();
    const ItemInfo* item = catalog.find(Kind::operation, stage.operations[i].use);
    if (!when && item && item->events == 0)
      errors.add(Code::missing_key, "operation '" + stage.operations[i].use + "' has no 'when', so it would never fire",
                 "add when = { at_iter = N }, or another condition", tables[i].header);
    const std::string why = when && !keys.completed ? never_fires(*when, options) : "";
    if (why.empty()) continue;
    const Entry* entry = tables[i].find("when");
    errors.add(Code::conflict, "operation '" + stage.operations[i].use + "' can never fire: " + why,
               "change its trigger or leave it out", entry ? entry->key_at : tables[i].header);
  }
}

void refuse_misplaced(const RawStage& stage, const StageKind* kind, ErrorList& errors) {
  if (!kind || !kind->takes_operations) refuse_tables(stage.operations, &StageKind::takes_operations, errors);
  if (kind && !kind->takes_evaluators) refuse_tables(stage.evaluators, &StageKind::takes_evaluators, errors);
}

}  // namespace gptcore
