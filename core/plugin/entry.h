// The first code of a plugin that runs: its one exported function and its setup function. Used by the loader and by the probe.
#pragma once

#include <string>
#include <vector>

#include "gptcore/abi.h"
#include "gptcore/registrar.h"

namespace gptcore {

// What a failed dlopen() says, as an Error: plugin_unresolved_symbol, plugin_missing_library or plugin_refused.
Error load_error(const std::string& text, const std::string& path);
// The structure that `entry`, null when it is not exported, returns. Throws Error(plugin_no_entry | plugin_entry_small |
// plugin_epoch_old | plugin_epoch_new | plugin_null_register).
const gptcore_plugin& checked_entry(gptcore_entry entry, const std::string& path);
// What its setup function registers. Throws Error(plugin_setup_failed).
std::vector<Item> register_items(const gptcore_plugin& plugin, const std::string& path);

}  // namespace gptcore
