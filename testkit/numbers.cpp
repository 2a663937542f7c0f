#include "testkit/numbers.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>

#include <algorithm>

#include "gptcore/random.h"

namespace gptcore {

at::Tensor normal_numbers(const std::string& name, at::IntArrayRef shape) {
  const uint64_t key = stream_key(1, name);
  const at::Tensor out = at::empty(shape, at::kFloat);
  float* data = out.mutable_data_ptr<float>();
  for (int64_t i = 0; i < out.numel(); ++i) data[i] = static_cast<float>(random_normal(key, static_cast<uint64_t>(i)));
  return out;
}

at::Tensor some_ids(const std::string& name, int64_t batch, int64_t length, int64_t vocab) {
  const uint64_t key = stream_key(1, name);
  const at::Tensor out = at::empty({batch, length}, at::kLong);
  int64_t* data = out.mutable_data_ptr<int64_t>();
  for (int64_t i = 0; i < out.numel(); ++i)
    data[i] = static_cast<int64_t>(random_bits(key, static_cast<uint64_t>(i)) % static_cast<uint64_t>(vocab));
  return out;
}

void shake(const std::vector<Parameter>& parameters) {
  const at::NoGradGuard no_grad;
  for (const Parameter& p : parameters) {
    at::Tensor home = p.tensor;
    home.add_(normal_numbers(p.name, p.tensor.sizes()), 0.1);
  }
}

bool any_trainable(const std::vector<Parameter>& parameters) {
  return std::any_of(parameters.begin(), parameters.end(), [](const Parameter& p) { return p.tensor.requires_grad(); });
}

std::vector<at::Tensor> values_of(const ModelView& model) {
  std::vector<at::Tensor> out;
  for (const ParameterInfo& p : model.parameters()) out.push_back(model.value(p.name).clone());
  return out;
}

at::Tensor random_state() {
  const at::Generator generator = at::detail::getDefaultCPUGenerator();
  return generator.get_state().clone();
}

bool equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!at::equal(a[i], b[i])) return false;
  return true;
}

}  // namespace gptcore
