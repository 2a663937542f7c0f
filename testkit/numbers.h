// Tensors for cases: always the same, whatever was drawn before.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "gptcore/model.h"

namespace gptcore {

// Returns standard normal numbers, a function of the name and the shape.
at::Tensor normal_numbers(const std::string& name, at::IntArrayRef shape);
// Returns (B, T) ids below `vocab`.
at::Tensor some_ids(const std::string& name, int64_t batch, int64_t length, int64_t vocab);
// Puts small random values into every parameter, so that none is at a special point such as zero.
void shake(const std::vector<Parameter>& parameters);

bool any_trainable(const std::vector<Parameter>& parameters);

// Return the model's values and LibTorch's random state, to be compared bit by bit.
std::vector<at::Tensor> values_of(const ModelView& model);
at::Tensor random_state();
bool equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b);

}  // namespace gptcore
