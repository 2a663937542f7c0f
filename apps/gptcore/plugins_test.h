// gptcore plugins test FILE: what every plugin must keep to, tried on one.
#pragma once

#include <string>
#include <vector>

namespace gptcore {

// 0 when no case failed, 3 when one did. Throws Error(usage).
int plugins_test(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);

}  // namespace gptcore
