// gptcore.lock lists the plugin files that a run may use, byte for byte:
//   [[plugin]]
//   name = "text"
//   version = "0.1.0"
//   sha256 = "..."
//   build_id = "..."   # shown, never compared
//   path = "/..."      # where the file was; a moved file still fits
#pragma once

#include <string>
#include <vector>

#include "core/plugin/plugin_file.h"

namespace gptcore {

struct LockedPlugin {
  std::string name, version, sha256, build_id, path;
};

// Returns gptcore.lock in the pipeline file's folder.
std::string lock_path_of(const std::string& pipeline_file);
LockedPlugin locked(const PluginFile& file);
std::string to_toml(const std::vector<LockedPlugin>& plugins);
// Throws Error(plugin_not_locked) when the file does not exist or is not a lock file.
std::vector<LockedPlugin> read_lock_file(const std::string& path);
// Throws Error(plugin_not_locked) for the first of `files` whose plugin the lock file does not list, and
// Error(plugin_lock_differs), which names plugin, expected and found, for the first that differs from its entry.
void require_locked(const std::vector<std::string>& files, const std::string& lock_path);

}  // namespace gptcore
