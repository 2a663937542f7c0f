// Decides which plugins may run. A plugin has the privileges of the run, so a file that another user can change is not loaded.
#pragma once

#include <string>

namespace gptcore {

// Environment variables of these names hold the program's global options --allow-insecure-plugins and --safe-mode, so that
// libgptcore.so and child processes follow them too.
inline constexpr const char* kAllowInsecureVariable = "GPTCORE_ALLOW_INSECURE_PLUGINS";
inline constexpr const char* kSafeModeVariable = "GPTCORE_SAFE_MODE";
bool insecure_plugins_allowed();
bool safe_mode();

// Throws Error when `path` has no slash (plugin_bare_name), when every user may write the file or a folder it is reached
// through (plugin_writable), or when one of these belongs to another user than this one or root (plugin_foreign_owner). A path
// that does not exist passes: reading it reports that.
void require_trusted(const std::string& path);
// Throws Error(plugin_unsafe) in safe mode, unless the plugin is an installed one.
void require_safe(const std::string& path);

}  // namespace gptcore
