// What the results of a stage that measures or samples are of: they stand as long as it is the same.
#pragma once

#include <string>

#include "core/pipeline/run_state.h"

namespace gptcore {

struct StageContext;

// Settings by path, and hashes of what the session has open: "weights", "data", "tokenizer", ... All parameters are read.
Settings result_basis(const StageContext& context, const StageConfig& stage);

// How they differ, in words: "evaluate.eval_iters: 2 -> 3, other weights"; "" when they do not.
std::string basis_changes(const Settings& then, const Settings& now);

}  // namespace gptcore
