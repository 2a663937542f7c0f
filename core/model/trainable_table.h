// Which parameters are trained and how many, as text: said when a run starts and after an operation has changed it.
#pragma once

#include <string>
#include <vector>

#include "gptcore/model.h"

namespace gptcore {

// Aligned lines without newlines: a row for each parameter, equal ones of several blocks together ("blocks.0..11.ln_1.weight"),
// and the totals. The order is that of `parameters`; where most are trained, or most are not, those are one row at the end.
std::vector<std::string> trainable_table(const std::vector<Parameter>& parameters);

}  // namespace gptcore
