// Reads the text that a sample starts with.
#pragma once

#include <string>

namespace gptcore {

// Returns the file's content for "FILE:path", all of standard input for "-", and otherwise `given` itself. Throws
// Error(data_missing) when the file cannot be read.
std::string prompt_text(const std::string& given);

}  // namespace gptcore
