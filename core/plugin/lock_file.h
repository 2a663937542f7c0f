// gptcore.lock: which plugin files a run may use, byte for byte.
//   [[plugin]]
//   name = "text"
//   version = "0.1.0"
//   sha256 = "..."
//   build_id = "..."   # shown, never compared
//   path = "/..."      # where it was; a moved file is still the same
#pragma once

#include <string>
#include <vector>

#include "core/plugin/plugin_file.h"

namespace gptcore {

struct LockedPlugin {
  std::string name, version, sha256, build_id, path;
};

// gptcore.lock in the pipeline file's folder.
std::string lock_path_of(const std::string& pipeline_file);
LockedPlugin locked(const PluginFile& file);
std::string to_toml(const std::vector<LockedPlugin>& plugins);
// Throws Error(plugin_not_locked) when there is no such file or it is no lock file.
std::vector<LockedPlugin> read_lock_file(const std::string& path);
// Throws Error(plugin_not_locked) for the first of `files` whose plugin is not in the lock file, Error(plugin_lock_differs)
// for the first that is not the one in it, naming plugin, expected and found.
void require_locked(const std::vector<std::string>& files, const std::string& lock_path);

}  // namespace gptcore
