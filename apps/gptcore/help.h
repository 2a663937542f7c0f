// Returns the help of `gptcore help`, `gptcore VERB --help` and `gptcore VERB ACTION --help`.
#pragma once

#include <string>

namespace gptcore {

// Returns the help on the program when `verb` is empty; on the verb when `action` is empty or the verb has no actions. Throws
// Error(usage) for an unknown verb or action.
std::string help_on(const std::string& verb, const std::string& action);

}  // namespace gptcore
