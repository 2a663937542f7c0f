// Checks the name of a new plugin, which names a C++ file, a CMake target and an item.
#pragma once

#include <string>
#include <vector>

#include "gptcore/registrar.h"

namespace gptcore {

// Throws Error(usage) with the reason and another name. The names of installed plugins, of `plugin_files` and of their items
// are taken.
void check_plugin_name(const std::string& name, Kind kind, const std::vector<std::string>& plugin_files);

}  // namespace gptcore
