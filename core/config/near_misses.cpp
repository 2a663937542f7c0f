#include "core/config/near_misses.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "core/config/operation_keys.h"
#include "core/config/other_names.h"
#include "core/config/stage_kinds.h"
#include "core/options/gpt_options.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

using namespace other_names;

constexpr const char* kHeaders[] = {"[run]",       "[plugins]", "[tokenizer]",         "[dataset]",           "[model]",
                                    "[[adapter]]", "[[stage]]", "[[stage.operation]]", "[[stage.evaluator]]", "[[logger]]"};

std::string folded(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool differ_in_number(const std::string& a, const std::string& b) {
  return a == b + "s" || b == a + "s";
}

// "[[stage.operation]]" -> "operation".
std::string name_in(const std::string& header) {
  const size_t begin = header.find_last_of("[.") + 1;
  return header.substr(begin, header.find(']') - begin);
}

// Returns the header of the table that has that name in singular or plural, or "" when none has.
std::string header_of(const std::string& name) {
  for (const char* header : kHeaders)
    if (const std::string known = name_in(header); known == name || differ_in_number(known, name)) return header;
  return {};
}

// Returns "an operation".
std::string one(Kind kind) {
  const std::string name = name_of(kind);
  return (std::string("aeiou").find(name[0]) == std::string::npos ? "a " : "an ") + name;
}

std::string header_for(Kind kind) {
  return header_of(name_of(kind));
}

std::vector<Kind> kinds_offering(const std::string& name, const Catalog& catalog) {
  std::vector<Kind> kinds;
  for (const ItemInfo& item : catalog.items())
    if (item.name == name) kinds.push_back(item.kind);
  return kinds;
}

// Returns the keys of [run], the core's own model and the stages, with their titles.
std::vector<std::pair<std::string, std::vector<ParamSpec>>> titled_tables() {
  const Catalog none;
  std::vector<std::pair<std::string, std::vector<ParamSpec>>> out = {{"[run]", owner_of("run", {}, none)->params},
                                                                     {"[model]", schema_of<GptOptions>().specs()}};
  for (const StageKind& kind : stage_kinds()) out.emplace_back(kind.owner.title, kind.owner.params);
  return out;
}

std::vector<std::string> core_keys() {
  std::vector<std::string> keys;
  for (const auto& [title, params] : titled_tables())
    for (const ParamSpec& spec : params) keys.push_back(spec.name);
  return keys;
}

// Returns one of the item's keys, preferably a path that the item reads.
std::string example_key(const std::string& table, const std::string& use, const Catalog& catalog) {
  const auto owner = owner_of(table, use, catalog);
  if (!owner || owner->params.empty()) return "KEY";
  for (const ParamSpec& spec : owner->params)
    if (spec.type == Type::path || spec.type == Type::path_list) return spec.name;
  return owner->params[0].name;
}

}  // namespace

std::string same_meaning(const std::string& key, const std::vector<std::string>& keys) {
  const std::string wanted = folded(key);
  for (const std::string& own : keys)
    if (own == wanted || differ_in_number(own, wanted)) return own;
  for (const Other& other : kKeys)
    if (wanted == other.name && holds(keys, other.ours)) return other.ours;
  return {};
}

std::vector<std::string> owners_of_key(const std::string& key) {
  std::vector<std::string> titles;
  for (const auto& [title, params] : titled_tables())
    if (std::any_of(params.begin(), params.end(), [&](const ParamSpec& spec) { return spec.name == key; }))
      titles.push_back(title);
  return titles;
}

std::string owners_text(const std::vector<std::string>& owners) {
  std::string text;
  for (size_t i = 0; i < owners.size(); ++i) text += (i == 0 ? "" : i + 1 == owners.size() ? " and of " : ", of ") + owners[i];
  return text;
}

std::string hint_for_key(const std::string& key, const Owner& owner) {
  const std::vector<std::string> keys = owner.keys();
  if (const std::string own = same_meaning(key, keys); !own.empty()) return "did you mean '" + own + "'?";
  if (owner.find("when")) {
    const Schema<When> when = schema_of<When>();
    for (const ParamSpec& spec : when.specs())
      if (spec.name == key) return "it is a condition: write when = { " + key + " = ... }";
  }
  if (const std::string header = header_of(folded(key)); !header.empty()) return "write it as a table of its own, " + header;
  for (const std::string& name : {folded(key), same_meaning(key, core_keys())})
    if (const auto titles = name.empty() ? std::vector<std::string>{} : owners_of_key(name); !titles.empty())
      return "'" + name + "' is a key of " + owners_text(titles) + ": move it " +
             (titles.size() == 1 ? "there" : "to the one that it is meant for");
  return did_you_mean(key, keys, "it has " + listed(keys));
}

std::string hint_for_bare_key(const std::string& key, const std::vector<std::string>& keys) {
  if (const std::string own = same_meaning(key, keys); !own.empty()) return "did you mean '" + own + "'?";
  if (const auto owners = owners_of_key(folded(key)); !owners.empty())
    return "it is a key of " + owners_text(owners) + ", " +
           (owners.size() == 1 ? "which this pipeline does not have" : "none of which this pipeline has");
  return did_you_mean(key, keys, "gptcore config explain FILE lists all keys");
}

std::string key_meant(const std::string& key, const std::vector<std::string>& keys) {
  const std::string own = same_meaning(key, keys);
  return own.empty() ? nearest(key, keys).value_or("") : own;
}

std::string hint_for_table_as_key(const std::string& table, const std::string& use, const Catalog& catalog) {
  const auto kind = item_kind(table);
  if (header_of(table).starts_with("[[")) return "name a key of one, as " + table + ".NAME.KEY=VALUE";
  if (!kind) return "name a key of it, as " + table + ".KEY=VALUE";
  const std::string known = listed(catalog.names(*kind));
  if (use.empty()) return "write " + table + ".use=NAME, one of " + known + ", and keys of that";
  return "its keys are those of '" + use + "', as " + table + "." + example_key(table, use, catalog) + "=VALUE; " + table +
         ".use=NAME takes another of " + known;
}

std::string hint_for_table(const std::string& name, const Catalog& catalog) {
  const std::string wanted = folded(name);
  if (const std::string header = header_of(wanted); !header.empty())
    return "write " + header + (header.starts_with("[[stage.") ? " below its [[stage]]" : "");
  if (holds(stage_kind_names(), wanted)) return "write [[stage]] with kind = \"" + wanted + "\"";
  for (const Other& other : kTables)
    if (wanted == other.name) return std::string("write ") + other.ours;
  if (const auto kinds = kinds_offering(name, catalog); !kinds.empty())
    return "'" + name + "' is " + one(kinds[0]) + ": write " + header_for(kinds[0]) + " with use = \"" + name + "\"";
  std::vector<std::string> names;
  for (const char* header : kHeaders) names.push_back(name_in(header));
  const auto near = nearest(name, names);
  if (near && *near != "operation" && *near != "evaluator") return "did you mean '" + *near + "'?";
  return near ? "write " + header_of(*near) + " below its [[stage]]" : "there are " + listed(names);
}

std::string hint_for_item(Kind kind, const std::string& name, const Catalog& catalog) {
  const auto names = catalog.names(kind);
  if (const std::string how = catalog.how_to_get(kind, name); !how.empty()) return how;
  for (const std::string& known : names)
    if (differ_in_number(known, folded(name))) return "did you mean '" + known + "'?";
  if (const auto kinds = kinds_offering(name, catalog); !kinds.empty())
    return "'" + name + "' is " + one(kinds[0]) + ": it goes into " + header_for(kinds[0]);
  const std::string known = names.empty() ? "no plugin offers one" : "there are " + listed(names);
  return did_you_mean(name, names, known + "; a plugin of yours goes into [plugins].load or --plugin");
}

std::string hint_for_kind(const std::string& name) {
  const std::string mark = "kind = \"";
  for (const Other& other : kTables)
    if (const std::string ours = other.ours; folded(name) == other.name && ours.find(mark) != std::string::npos) {
      const size_t begin = ours.find(mark) + mark.size();
      return "did you mean '" + ours.substr(begin, ours.find('"', begin) - begin) + "'?";
    }
  return did_you_mean(name, stage_kind_names(), "there are " + listed(stage_kind_names()));
}

std::string choice_called(const std::string& value, const ParamSpec& spec) {
  for (const Other& other : kChoices)
    if (folded(value) == other.name &&
        std::any_of(spec.choices.begin(), spec.choices.end(), [&](const Choice& choice) { return choice.text == other.ours; }))
      return other.ours;
  return value;
}

}  // namespace gptcore
