// Lists as text which parameters are trained and how many, when a run starts and after an operation has changed it.
#pragma once

#include <string>
#include <vector>

#include "gptcore/model.h"

namespace gptcore {

// Returns aligned lines without newlines: a row for each parameter, one for equal ones of several blocks
// ("blocks.0..11.ln_1.weight"), and the totals. The rows are in the order of `parameters`; when most are trained, or most are
// not, those are one row at the end.
std::vector<std::string> trainable_table(const std::vector<Parameter>& parameters);

}  // namespace gptcore
