// What a plugin offers, as the JSON text that travels in its file's section .gptcore.manifest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/catalog.h"

namespace gptcore {

struct Manifest {
  std::string plugin, version;
  std::vector<ItemInfo> items;  // `file` and `check` are not part of the text
};

std::string to_json(const Manifest& manifest);
// Throws Error(plugin_refused) when `text` is not such a JSON text; `where` is the plugin's file.
Manifest parse_manifest(std::string_view text, const std::string& where);
// What is wrong with the items themselves, one line each: names, missing docs, duplicates, defaults that do not fit.
std::vector<std::string> mistakes(const Manifest& manifest);
// A name of a plugin, item or parameter: [a-z][a-z0-9_]*.
bool is_name(std::string_view text);

}  // namespace gptcore
