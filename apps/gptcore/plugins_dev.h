// gptcore plugins dev DIR: builds and tests a plugin's folder again whenever a file in it changes.
#pragma once

#include <string>
#include <vector>

#include "apps/gptcore/command_line.h"

namespace gptcore {

// Runs until SIGINT; with --once it returns the exit code of one round. Throws Error(usage).
int plugins_dev(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
VerbOptions plugins_dev_options();

}  // namespace gptcore
