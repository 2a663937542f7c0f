// The hardware's peak rate, to compare the training rate with.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace gptcore {

// Returns floating point operations a second: the known dense peak of the GPU for that precision, 0 when unknown; on a CPU the
// float32 matrix product rate, which is measured now (about 0.1 s).
double peak_flops(at::Device device, at::ScalarType precision);

// Returns the best rate of a few 1024 x 1024 x 1024 float32 products with the current number of threads.
double measured_sgemm_flops();

}  // namespace gptcore
