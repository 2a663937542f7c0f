// Measures how a weight matrix spreads its effect over directions.
#pragma once

#include <ATen/core/Tensor.h>

namespace model_analysis {

struct MatrixFacts {
  // exp of the entropy of the singular values divided by their sum (Roy & Vetterli 2007): 1 for a matrix of rank one, the
  // smaller dimension when all directions count alike, 0 for a matrix of zeros.
  double effective_rank = 0;
  double weight_norm = 0;    // Frobenius
  double spectral_norm = 0;  // largest singular value
};

// [no grad] Computes the facts of a matrix (m, n) on the CPU; NaN when it holds a number that is not finite.
MatrixFacts facts_of(const at::Tensor& matrix);

}  // namespace model_analysis
