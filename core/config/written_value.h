// Converts values as users write them to the types that their parameters declare.
#pragma once

#include <string>

#include "gptcore/schema.h"

namespace gptcore {

// Turns an integer into a float where a float is declared, and a float without fraction, such as 1e3, into an integer where an
// integer is declared; elements of lists, too. Returns anything else unchanged.
Value as_declared(Type type, const Value& value);

// Returns the meaning of `text` on the command line for `spec`: TOML, a number as Python writes it (.9, 5., 1e3), True and
// False, other programs' words for a choice (bf16), else the text itself.
Value written_value(const ParamSpec& spec, const std::string& text);

// Returns how to write a value of a pipeline file that is not TOML (True, .9, a word without quotes), or "" when that is
// unclear. `line` is the text of its line; reading failed at `column`, from 1.
std::string toml_hint(const std::string& line, size_t column);

}  // namespace gptcore
