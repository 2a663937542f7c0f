// What a plugin file says about itself, read and checked without running any of its code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/plugin/catalog.h"

namespace gptcore {

struct PluginFile {
  std::string path;  // absolute, links resolved
  std::string name, version, build_id;
  uint32_t sdk_version = 0;    // 10203 = 1.2.3
  uint32_t torch_version = 0;  // 211 = 2.11
  std::vector<ItemInfo> items;
};

// Throws Error(plugin_missing) or Error(plugin_refused) saying what was found, what this program expects and what to do:
// not a plugin, writable by everyone, another layout epoch, SDK major, LibTorch version or C++ ABI, no manifest. The
// error's where() is `path` as given.
PluginFile read_plugin_file(const std::string& path);

// "1.2.3" for 10203.
std::string sdk_version_text(uint32_t version);
// "2.11" for 211.
std::string torch_version_text(uint32_t version);

}  // namespace gptcore
