#include "core/optim/flat_parameters.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
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

// Returns false for a view, which would keep a buffer alive, maybe an older one.
bool owns_its_memory(const at::Tensor& tensor) {
  return tensor.storage().nbytes() == tensor.nbytes();
}

}  // namespace

FlatParameters::FlatParameters(std::vector<Parameter> parameters, const std::map<std::string, int64_t>& updates)
    : parameters_(std::move(parameters)) {
  const at::NoGradGuard no_grad;
  const auto updates_of = [&](const Parameter& p) {
    const auto found = updates.find(p.name);
    return found == updates.end() ? 0 : found->second;
  };
  int64_t most = 0;
  for (const Parameter& p : parameters_)
    if (p.tensor.requires_grad()) most = std::max(most, updates_of(p));
  groups_ = {{true, most, {}, {}}, {false, most, {}, {}}};
  std::vector<int64_t> sizes(groups_.size(), 0);
  const auto group_of = [&](const Parameter& p) {
    const int64_t had = updates_of(p);
    for (size_t g = 0; g < groups_.size(); ++g)
      if (groups_[g].decays == p.decays() && groups_[g].updates == had) return g;
    groups_.push_back({p.decays(), had, {}, {}});
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
    const at::Tensor tensor = parameters_[i].tensor.detach();
    if (slots_[i].frozen) {
      homes_.push_back(owns_its_memory(tensor) ? tensor : tensor.clone());
      grads_.emplace_back();
      continue;
    }
    homes_.push_back(view(groups_[slots_[i].group].values, slots_[i]));
    homes_.back().copy_(tensor);
    grads_.push_back(view(groups_[slots_[i].group].grads, slots_[i]));
  }
}

void FlatParameters::adopt() noexcept {
  for (size_t i = 0; i < slots_.size(); ++i) {
    at::Tensor tensor = parameters_[i].tensor;
    tensor.set_data(homes_[i]);
    if (grads_[i].defined() || tensor.grad().defined()) tensor.mutable_grad() = grads_[i];
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
