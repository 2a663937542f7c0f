// What a sample starts with, as people give it.
#pragma once

#include <string>

namespace gptcore {

// "FILE:path" is that file's content, "-" all of standard input, anything else the text itself.
// Throws Error(data_missing) when the file cannot be read.
std::string prompt_text(const std::string& given);

}  // namespace gptcore
