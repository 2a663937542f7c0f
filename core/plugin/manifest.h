// What a plugin offers, as the JSON text that travels in its file's section .gptcore.manifest.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/catalog.h"

namespace gptcore {

struct Manifest {
  std::string plugin, version;
  std::vector<ItemInfo> items;  // `file` and `check` are not part of the text
};

// What a plugin of that name and version says of itself by registering `item`.
ItemInfo describe(const Item& item, const std::string& plugin, const std::string& version);
// {"step_ended", ...} and {"changes_training", ...}, in the order of their bits.
std::vector<std::string> names_of_events(EventSet events);
std::vector<std::string> names_of_effects(Effects effects);

std::string to_json(const Manifest& manifest);
// A value, a parameter as the manifest has it.
nlohmann::ordered_json json_of(const Value& value);
nlohmann::ordered_json json_of(const ParamSpec& param);
// Throws Error(plugin_no_manifest) when `text` is not such a JSON text; `where` is the plugin's file.
Manifest parse_manifest(std::string_view text, const std::string& where);
// What is wrong with the items themselves, one line each: names, missing docs, duplicates, defaults that do not fit.
std::vector<std::string> mistakes(const Manifest& manifest);
// Throws Error(plugin_bad_schema) naming all of them.
void refuse_mistakes(const Manifest& manifest, const std::string& where);
// A name of a plugin, item or parameter: [a-z][a-z0-9_]*.
bool is_name(std::string_view text);

}  // namespace gptcore
