// Runs the first code of a plugin: its one exported function and its setup function. The loader and the probe use it.
#pragma once

#include <string>
#include <vector>

#include "gptcore/abi.h"
#include "gptcore/registrar.h"

namespace gptcore {

// Turns the text of a failed dlopen() into an Error: plugin_unresolved_symbol, plugin_missing_library or plugin_refused.
Error load_error(const std::string& text, const std::string& path);
// Returns the structure that `entry` returns; `entry` is null when it is not exported. Throws Error(plugin_no_entry |
// plugin_entry_small | plugin_epoch_old | plugin_epoch_new | plugin_null_register).
const gptcore_plugin& checked_entry(gptcore_entry entry, const std::string& path);
// Returns the items that the plugin's setup function registers. Throws Error(plugin_setup_failed).
std::vector<Item> register_items(const gptcore_plugin& plugin, const std::string& path);

}  // namespace gptcore
