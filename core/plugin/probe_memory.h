// Which plugins have been probed and were good: empty files named by a hash, in the user's cache folder.
#pragma once

#include <string>
#include <vector>

#include "core/plugin/plugin_file.h"

namespace gptcore {

// Of the file's bytes, this program's version and build, and those plugins of `before` that meet it in LibTorch's operators.
std::string probe_key(const PluginFile& plugin, const std::vector<PluginFile>& before, const std::string& probe_program);
bool is_remembered(const std::string& key);
// Does nothing where the cache folder cannot be written.
void remember(const std::string& key);

}  // namespace gptcore
