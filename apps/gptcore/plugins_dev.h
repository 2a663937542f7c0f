// gptcore plugins dev DIR: builds and tests a plugin's folder again whenever a file in it changes.
#pragma once

#include <string>
#include <vector>

#include "apps/gptcore/command_line.h"

namespace gptcore {

// Ends by SIGINT; with --once after one round, whose exit code it returns. Throws Error(usage).
int plugins_dev(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
VerbOptions plugins_dev_options();

}  // namespace gptcore
