// Loads a plugin in a child process the first time its file is seen, so that what crashes, hangs or throws while it is loaded
// does so there. A plugin that went well is remembered by its SHA-256 and costs no child process again.
#pragma once

#include <string>
#include <vector>

#include "core/plugin/plugin_file.h"

namespace gptcore {

// `before`: the plugins that this process has loaded already. Throws Error with the code of what went wrong:
// plugin_unresolved_symbol, plugin_missing_library, plugin_no_entry, plugin_entry_small, plugin_null_register,
// plugin_setup_failed, plugin_hangs, plugin_init_throws, plugin_init_crashes, plugin_torch_library, plugin_bad_schema,
// plugin_manifest_differs; or plugin_probe_failed when gptcore-probe itself cannot run. Each step of the child may take
// GPTCORE_PROBE_SECONDS, 10 when that is not set. The installation's own plugins are trusted: installing asked them.
void probe_plugin(const PluginFile& plugin, const std::vector<PluginFile>& before);
// Reads these files and probes them in that order.
void probe_files(const std::vector<std::string>& files);

}  // namespace gptcore
