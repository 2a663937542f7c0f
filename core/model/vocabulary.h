// How the rows of an embedding or head start that a vocabulary gets for new tokens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace gptcore {

struct NewRows {
  int64_t source = -1;  // the token whose row is copied; -1 = the mean of all rows
  double noise = 0.01;  // standard deviation of what is added
};

// (count, C), on the table's device. `table` (V, C) has the rows of the tokens there are. The noise is drawn from the stream
// of (seed, name).
at::Tensor new_rows(const at::Tensor& table, int64_t count, const NewRows& rule, const std::string& name, uint64_t seed);

}  // namespace gptcore
