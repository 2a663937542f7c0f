#include "spectrum.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/where.h>

#include <limits>

namespace lora {

Spectrum spectrum_of(const at::Tensor& matrix, int64_t rank) {
  const at::NoGradGuard no_grad;
  const at::Tensor exact = matrix.to(at::kDouble);
  const auto [u, s, v] = at::linalg_svd(exact, /*full_matrices=*/false);
  const at::Tensor left = u.narrow(1, 0, rank), values = s.narrow(0, 0, rank), right = v.narrow(0, 0, rank);
  const at::Tensor largest = left.gather(0, left.abs().argmax(0, /*keepdim=*/true));  // (1, rank)
  const at::Tensor sign = at::where(largest < 0, -1.0, 1.0).to(at::kDouble);
  const at::Tensor noise = exact.norm() * static_cast<double>(std::numeric_limits<float>::epsilon());
  return {left * sign, at::where(values > noise, values, 0.0), right * sign.t()};
}

}  // namespace lora
