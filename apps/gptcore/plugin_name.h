// Which names a new plugin may have: it names a C++ file, a CMake target and an item.
#pragma once

#include <string>
#include <vector>

#include "gptcore/registrar.h"

namespace gptcore {

// Throws Error(usage) with the reason and another name. Names of installed plugins, of those files and of their items are
// taken.
void check_plugin_name(const std::string& name, Kind kind, const std::vector<std::string>& plugin_files);

}  // namespace gptcore
