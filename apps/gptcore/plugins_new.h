// gptcore plugins new: a folder that holds a plugin of the wanted kind, its test, a pipeline that runs it and its build.
#pragma once

#include <string>
#include <vector>

#include "apps/gptcore/command_line.h"

namespace gptcore {

// Writes the whole folder or nothing. Throws Error(usage) for an invalid name or kind, Error(io).
int plugins_new(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
VerbOptions plugins_new_options();

}  // namespace gptcore
