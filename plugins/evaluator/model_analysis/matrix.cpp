#include "matrix.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/xlogy.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace model_analysis {
namespace {

// Returns the product of the matrix with itself along its longer side, (k, k) float64 with k = min(m, n), made piece by piece:
// an embedding of 50,000 rows needs no float64 copy.
at::Tensor gram(const at::Tensor& matrix) {
  constexpr int64_t kRows = 4096;
  const at::Tensor tall = matrix.size(0) >= matrix.size(1) ? matrix : matrix.t();
  at::Tensor sum = at::zeros({tall.size(1), tall.size(1)}, at::kDouble);
  for (int64_t first = 0; first < tall.size(0); first += kRows) {
    const at::Tensor piece = tall.narrow(0, first, std::min(kRows, tall.size(0) - first)).to(at::kCPU, at::kDouble);
    sum.addmm_(piece.t(), piece);
  }
  return sum;
}

}  // namespace

MatrixFacts facts_of(const at::Tensor& matrix) {
  if (matrix.numel() == 0) return {};
  const at::Tensor product = gram(matrix);
  if (!product.isfinite().all().item<bool>()) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    return {kNan, kNan, kNan};
  }
  const at::Tensor squares = at::linalg_eigvalsh(product).clamp_min(0);  // of the singular values
  const double largest = squares.max().item<double>();
  if (largest == 0) return {};
  // The size that rounding leaves to a direction without effect.
  const double noise = largest * std::numeric_limits<double>::epsilon() * static_cast<double>(squares.numel());
  const at::Tensor values = squares.masked_fill(squares.lt(noise), 0).sqrt();
  const at::Tensor share = values / values.sum();
  return {std::exp(-at::xlogy(share, share).sum().item<double>()), std::sqrt(squares.sum().item<double>()), std::sqrt(largest)};
}

}  // namespace model_analysis
