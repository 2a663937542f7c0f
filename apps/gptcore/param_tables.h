// Describes parameters for people: on a terminal, in a document.
#pragma once

#include <string>
#include <vector>

#include "gptcore/schema.h"

namespace gptcore {

// Returns "integer of tokens", "path, made by the run".
std::string type_text(const ParamSpec& param);
// Returns an indented line per parameter, and one below it for each choice.
std::string params_text(const std::vector<ParamSpec>& params);
// Returns a Markdown table.
std::string params_markdown(const std::vector<ParamSpec>& params);

}  // namespace gptcore
