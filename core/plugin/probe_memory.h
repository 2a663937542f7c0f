// Remembers the plugins that were probed and found good, by empty files in the user's cache folder that are named by a hash.
#pragma once

#include <string>
#include <vector>

#include "core/plugin/plugin_file.h"

namespace gptcore {

// Returns a hash of the plugin's bytes, this program's version and build, and the bytes of `before`: the plugins loaded earlier
// that register LibTorch operators as it does.
std::string probe_key(const PluginFile& plugin, const std::vector<PluginFile>& before, const std::string& probe_program);
bool is_remembered(const std::string& key);
// Does nothing when the cache folder cannot be written.
void remember(const std::string& key);

}  // namespace gptcore
