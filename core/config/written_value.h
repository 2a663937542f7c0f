// Values as users write them, for the types that their parameters declare.
#pragma once

#include <string>

#include "gptcore/schema.h"

namespace gptcore {

// A whole number where a float is wanted becomes one, and a float without fraction, as 1e3, an integer where that is wanted;
// elements of lists too. Anything else stays as it is.
Value as_declared(Type type, const Value& value);

// What `text` on the command line means for `spec`: TOML, a number as Python writes it (.9, 5., 1e3), True and False, other
// programs' words for a choice (bf16), else the text itself.
Value written_value(const ParamSpec& spec, const std::string& text);

// How a value of a pipeline file that is not TOML (True, .9, a word without quotes) is to be written; "" when that is unclear.
// `line` is the text of its line, and `column`, from 1, is where reading failed.
std::string toml_hint(const std::string& line, size_t column);

}  // namespace gptcore
