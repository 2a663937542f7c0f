// Finds the nearest matrix with only a few singular vectors (Eckart & Young 1936).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace lora {

// The `rank` largest singular values of a matrix (m, n) and their vectors, float64. Values below the rounding of float32 are
// exactly 0. The largest entry of each left vector is positive, so equal matrices give equal vectors.
struct Spectrum {
  at::Tensor left;    // (m, rank)
  at::Tensor values;  // (rank), falling
  at::Tensor right;   // (rank, n)
};

// [no grad] Precondition: finite, rank <= min(m, n).
Spectrum spectrum_of(const at::Tensor& matrix, int64_t rank);

}  // namespace lora
