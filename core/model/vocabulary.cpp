#include "core/model/vocabulary.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include "core/model/gpt.h"

namespace gptcore {

at::Tensor new_rows(const at::Tensor& table, int64_t count, const NewRows& rule, const std::string& name, uint64_t seed) {
  const at::NoGradGuard no_grad;
  const at::Tensor noise = at::zeros({count, table.size(1)}, at::kFloat);
  if (rule.noise > 0) init_parameters({{name, noise, {rule.noise, 0}}}, seed);
  return noise.to(table.device()) + (rule.source >= 0 ? table[rule.source] : table.mean(0));
}

}  // namespace gptcore
