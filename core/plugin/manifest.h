// A manifest lists what a plugin offers. It is a JSON text in the section .gptcore.manifest of the plugin's file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/catalog.h"

namespace gptcore {

struct Manifest {
  std::string plugin, version;
  std::vector<ItemInfo> items;  // `file`, `check` and `preset` are not part of the text
};

// Returns what a plugin of that name and version says of itself by registering `item`.
ItemInfo describe(const Item& item, const std::string& plugin, const std::string& version);
// Return {"step_ended", ...} and {"changes_training", ...}, in the order of their bits.
std::vector<std::string> names_of_events(EventSet events);
std::vector<std::string> names_of_effects(Effects effects);

std::string to_json(const Manifest& manifest);
// Returns a parameter as the manifest has it.
nlohmann::ordered_json json_of(const ParamSpec& param);
// Throws Error(plugin_no_manifest) when `text` is not a valid manifest; `where` is the plugin's file.
Manifest parse_manifest(std::string_view text, const std::string& where);
// Returns the mistakes in plugin and items, one line each: invalid names, missing docs, duplicates, defaults that do not fit.
std::vector<std::string> mistakes(const Manifest& manifest);
// Throws Error(plugin_bad_schema), which names all mistakes, if there are any.
void refuse_mistakes(const Manifest& manifest, const std::string& where);
// Returns whether `text` is a valid name of a plugin, item or parameter: [a-z][a-z0-9_]*.
bool is_name(std::string_view text);

}  // namespace gptcore
