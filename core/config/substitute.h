// Replaces ${ENV} and relative paths in the texts of a pipeline file.
#pragma once

#include <filesystem>
#include <string>

#include "gptcore/schema.h"

namespace gptcore {

// Replaces ${NAME} by the environment's text in every string of `value`; $${ stands for ${.
// Throws Error(missing_variable) without a place.
Value expand_variables(const Value& value);
// Returns the text that expand_variables() turns back into `value`.
Value escape_variables(const Value& value);
// Returns `value` with its relative paths made absolute when `type` is a path or a list of paths. Texts with :// stay; a path
// follows "hf:" and "ckpt:".
Value absolute_paths(Type type, const Value& value, const std::filesystem::path& folder);

}  // namespace gptcore
