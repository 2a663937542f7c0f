// Initial values from counter-based streams: parameter "blocks.3.mlp.fc.weight" starts the same in a model of any depth.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <numbers>

#include "core/model/gpt.h"
#include "gptcore/random.h"

namespace gptcore {
namespace {

// Box-Muller makes two values of two counters: elements 2i and 2i+1.
void fill_normal(float* data, int64_t size, double std, uint64_t key) {
  at::parallel_for(0, (size + 1) / 2, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto counter = static_cast<uint64_t>(2 * i);
      const double radius = std * std::sqrt(-2.0 * std::log(1.0 - random_uniform(key, counter)));
      const double angle = 2.0 * std::numbers::pi * random_uniform(key, counter + 1);
      data[2 * i] = static_cast<float>(radius * std::cos(angle));
      if (2 * i + 1 < size) data[2 * i + 1] = static_cast<float>(radius * std::sin(angle));
    }
  });
}

}  // namespace

void init_parameters(const std::vector<Parameter>& parameters, uint64_t seed) {
  at::NoGradGuard no_grad;
  for (const Parameter& p : parameters) {
    at::Tensor tensor = p.tensor;
    if (p.init.std == 0) {
      tensor.fill_(p.init.value);
      continue;
    }
    const at::Tensor home = tensor.is_cpu() ? tensor : at::empty(tensor.sizes(), at::kFloat);
    fill_normal(home.mutable_data_ptr<float>(), home.numel(), p.init.std, stream_key(seed, "init " + p.name));
    if (!tensor.is_cpu()) tensor.copy_(home);
  }
}

}  // namespace gptcore
