#include "core/optim/flat_parameters.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <numeric>
#include <utility>

namespace gptcore {
namespace {

constexpr int64_t kAlign = 16;  // floats: every parameter starts on a cache line

int64_t padded(int64_t n) {
  return (n + kAlign - 1) / kAlign * kAlign;
}

int64_t product(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

}  // namespace

FlatParameters::FlatParameters(std::vector<Parameter> parameters, const std::map<std::string, int64_t>& born)
    : parameters_(std::move(parameters)) {
  const at::NoGradGuard no_grad;
  groups_ = {{true, 0, {}, {}}, {false, 0, {}, {}}};
  std::vector<int64_t> sizes(groups_.size(), 0);
  const auto group_of = [&](const Parameter& p) {
    const auto later = born.find(p.name);
    const int64_t since = later == born.end() ? 0 : later->second;
    for (size_t g = 0; g < groups_.size(); ++g)
      if (groups_[g].decays == p.decays() && groups_[g].born == since) return g;
    groups_.push_back({p.decays(), since, {}, {}});
    sizes.push_back(0);
    return groups_.size() - 1;
  };
  for (const Parameter& p : parameters_) {
    if (!p.tensor.requires_grad()) {
      slots_.push_back({p.name, 0, 0, p.tensor.sizes().vec(), true});
      continue;
    }
    const size_t group = group_of(p);
    slots_.push_back({p.name, group, sizes[group], p.tensor.sizes().vec()});
    sizes[group] += padded(p.tensor.numel());
  }
  const auto options = parameters_.front().tensor.options().requires_grad(false);
  for (size_t g = 0; g < groups_.size(); ++g) {
    groups_[g].values = at::zeros({sizes[g]}, options);
    groups_[g].grads = at::zeros({sizes[g]}, options);
  }
  for (size_t i = 0; i < slots_.size(); ++i) {
    at::Tensor tensor = parameters_[i].tensor;
    if (slots_[i].frozen) {
      // What is frozen now may be a view of an older buffer: with a home of its own it does not keep that alive.
      tensor.set_data(tensor.detach().clone());
      tensor.mutable_grad() = at::Tensor();
      continue;
    }
    at::Tensor home = view(groups_[slots_[i].group].values, slots_[i]);
    home.copy_(tensor);
    tensor.set_data(home);
    tensor.mutable_grad() = view(groups_[slots_[i].group].grads, slots_[i]);
  }
}

at::Tensor FlatParameters::view(const at::Tensor& buffer, const Slot& slot) {
  return buffer.narrow(0, slot.offset, product(slot.shape)).view(slot.shape);
}

void FlatParameters::zero_grad() {
  for (Group& g : groups_) g.grads.zero_();
}

at::Tensor FlatParameters::grad_norm() const {
  std::vector<at::Tensor> norms;
  for (const Group& g : groups_) norms.push_back(at::linalg_vector_norm(g.grads, 2));
  return at::linalg_vector_norm(at::stack(norms), 2);
}

int64_t FlatParameters::count() const {
  int64_t n = 0;
  for (const Slot& s : slots_)
    if (!s.frozen) n += product(s.shape);
  return n;
}

}  // namespace gptcore
