#include "core/config/check.h"

#include <algorithm>

#include "core/config/nanogpt.h"
#include "core/config/near_misses.h"
#include "core/config/substitute.h"
#include "core/config/written_value.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void check_keys(const RawTable& table, const Owner& owner, ErrorList& errors) {
  for (const Entry& entry : table.entries)
    if (!owner.find(entry.key) && !holds(owner.reserved, entry.key)) {
      const std::string hint = nanogpt_hint(entry.key, entry.value);
      errors.add(Code::unknown_key, owner.title + " has no parameter '" + entry.key + "'",
                 hint.empty() ? hint_for_key(entry.key, owner) : hint, entry.key_at);
    }
}

void report_misfit(const ParamSpec& spec, const Entry& entry, const Misfit& wrong, ErrorList& errors) {
  std::string hint;
  if (!wrong.wrong_type && entry.value.is<std::string>()) {
    std::vector<std::string> texts;
    for (const Choice& choice : spec.choices) texts.push_back(choice.text);
    const auto& given = entry.value.as<std::string>();
    const std::string called = choice_called(given, spec);
    hint = called == given ? did_you_mean(given, texts) : "did you mean '" + called + "'?";
  }
  const bool wants_list = spec.type == Type::text_list || spec.type == Type::path_list;
  if (wrong.wrong_type && wants_list && entry.value.is<std::string>()) hint = "write [" + to_toml(entry.value) + "]";
  errors.add(wrong.wrong_type ? Code::wrong_type : Code::out_of_range, "'" + spec.name + "' " + wrong.text, hint, entry.origin);
}

// Returns the default as a user would write it: the word for a number that has one.
Value written_default(const ParamSpec& spec) {
  for (const Word& word : spec.words)
    if (spec.fallback == Value(word.number) || spec.fallback == Value(static_cast<int64_t>(word.number))) return word.text;
  return spec.fallback;
}

const std::filesystem::path& folder_of(const Origin& origin, const Folders& folders) {
  return origin.source == Source::command_line ? folders.current : folders.file;
}

Table written_values(const RawTable& table) {
  Table out;
  for (const Entry& entry : table.entries) out.emplace_back(entry.key, entry.value);
  return out;
}

Table given_values(const RawTable& table, const Owner& owner, const Folders& folders) {
  Table out;
  for (const Entry& entry : table.entries) {
    const ParamSpec* spec = owner.find(entry.key);
    out.emplace_back(entry.key, spec ? absolute_paths(spec->type, entry.value, folder_of(entry.origin, folders)) : entry.value);
  }
  return out;
}

// Reports the preset's own error, and keys that contradict the preset.
void check_preset(const Preset& preset, const RawTable& table, const Owner& owner, ErrorList& errors) {
  const Entry* key = table.find(preset.key);
  if (preset.error)
    errors.add(preset.error->code(), (preset.error->where().empty() ? "" : preset.error->where() + ": ") + preset.error->what(),
               preset.error->hint(), key->origin);
  if (!preset.refusal) return;
  for (const auto& [name, value] : preset.values) {
    const Entry* given = table.find(name);
    if (!given || given->value.empty()) continue;
    const std::string hint = preset.refusal(name, as_declared(owner.find(name)->type, given->value), value);
    if (!hint.empty())
      errors.add(Code::conflict,
                 "'" + name + "' is " + to_toml(given->value) + ", and " + preset.origin + " has " + to_toml(value), hint,
                 given->origin);
  }
}

void check_rules(const RawTable& table, const Owner& owner, const Section& section, ErrorList& errors) {
  if (!owner.check) return;
  for (const Problem& problem : owner.check(section.values)) {
    const Entry* entry = table.find(problem.key);
    errors.add(Code::conflict, problem.message, problem.hint, entry ? entry->key_at : table.header);
  }
}

}  // namespace

Section check_table(const RawTable& table, const Owner& owner, const Folders& folders, ErrorList& errors) {
  const size_t mistakes = errors.size();
  check_keys(table, owner, errors);

  const Preset preset = owner.preset ? owner.preset(given_values(table, owner, folders), written_values(table)) : Preset{};
  check_preset(preset, table, owner, errors);

  Section section;
  section.location = table.header.location;
  for (const ParamSpec& spec : owner.params) {
    Value value = written_default(spec);
    Origin origin;
    if (const Value* set = find(preset.values, spec.name)) {
      value = *set;
      origin.argument = preset.origin;
    }
    if (const Entry* entry = table.find(spec.name)) {
      value = as_declared(spec.type, entry->value);
      origin = entry->origin;
      if (const auto wrong = entry->value.empty() ? std::nullopt : misfit(spec, value))
        report_misfit(spec, *entry, *wrong, errors);
    } else if (spec.required) {
      errors.add(Code::missing_key, owner.title + " needs '" + spec.name + "', " + spec.doc,
                 std::string("add ") + spec.name + " = " + type_name(spec.type), table.header);
    }
    section.values.emplace_back(spec.name, absolute_paths(spec.type, value, folder_of(origin, folders)));
    section.origins.push_back(std::move(origin));
  }
  if (errors.size() == mistakes) check_rules(table, owner, section, errors);
  return section;
}

}  // namespace gptcore
