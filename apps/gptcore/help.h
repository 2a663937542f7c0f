// The help that `gptcore help`, `gptcore VERB --help` and `gptcore VERB ACTION --help` print.
#pragma once

#include <string>

namespace gptcore {

// On the program when `verb` is empty, on the verb when `action` is, or when the verb has no actions. Throws Error(usage) for
// a verb or an action that there is not.
std::string help_on(const std::string& verb, const std::string& action);

}  // namespace gptcore
