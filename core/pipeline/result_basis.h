// Describes what the results of an evaluate or sample stage depend on. They stand as long as it is the same.
#pragma once

#include <string>

#include "core/pipeline/saved_settings.h"

namespace gptcore {

struct StageContext;

// Returns settings by path, and hashes of what the session has open: "weights", "data", "tokenizer", ... Reads all parameters.
Settings result_basis(const StageContext& context, const StageConfig& stage);

// Returns the differences in words, "evaluate.eval_iters: 2 -> 3, other weights", or "" when there are none.
std::string basis_changes(const Settings& then, const Settings& now);

}  // namespace gptcore
