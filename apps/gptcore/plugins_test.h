// gptcore plugins test FILE: runs the conformance cases on one plugin.
#pragma once

#include <string>
#include <vector>

#include "apps/gptcore/command_line.h"

namespace gptcore {

// Returns 0 when no case failed, 3 when one did. Throws Error(usage).
int plugins_test(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
VerbOptions plugins_test_options();

}  // namespace gptcore
