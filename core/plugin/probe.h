// Loads a plugin in a child process the first time its file is seen, so that a crash, hang or exception during loading happens
// there. A plugin that loaded well is remembered by its SHA-256 and costs no child process again.
#pragma once

#include <string>
#include <vector>

#include "core/plugin/plugin_file.h"

namespace gptcore {

// `before` are the plugins that this process has loaded already. Throws Error with the code of the failure:
// plugin_unresolved_symbol, plugin_missing_library, plugin_no_entry, plugin_entry_small, plugin_null_register,
// plugin_setup_failed, plugin_hangs, plugin_init_throws, plugin_init_crashes, plugin_torch_library, plugin_bad_schema,
// plugin_manifest_differs; or plugin_probe_failed when gptcore-probe itself cannot run. Each step of the child may take
// GPTCORE_PROBE_SECONDS (default: 10). The installation's own plugins are trusted: their build has run them.
void probe_plugin(const PluginFile& plugin, const std::vector<PluginFile>& before);
// Reads these files and probes them in the given order.
void probe_files(const std::vector<std::string>& files);

}  // namespace gptcore
