// Formats rows of texts as lines for a terminal.
#pragma once

#include <string>
#include <vector>

namespace gptcore {

// Every column but the last is as wide as its widest text.
std::string aligned(const std::vector<std::vector<std::string>>& rows, const std::string& indent);

}  // namespace gptcore
