#include "core/optim/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>

namespace gptcore {
namespace {

at::Tensor step_count(int64_t updates, const at::Tensor& like) {
  return at::full({}, static_cast<double>(updates), like.options().requires_grad(false));
}

}  // namespace

std::map<std::string, int64_t> updates_of(const NamedMoments& moments) {
  std::map<std::string, int64_t> all;
  for (const auto& [name, m] : moments) all[name] = m.updates;
  return all;
}

AdamW::AdamW(FlatParameters& parameters, AdamWOptions options) : parameters_(parameters), options_(options) {
  for (const FlatParameters::Group& g : parameters.groups())
    groups_.push_back({at::zeros_like(g.values), at::zeros_like(g.values), step_count(g.updates, g.values)});
}

void AdamW::step(double learning_rate, const at::Tensor& grad_scale, const at::Tensor& found_inf) {
  at::NoGradGuard no_grad;
  for (size_t i = 0; i < groups_.size(); ++i) {
    const FlatParameters::Group& g = parameters_.groups()[i];
    if (g.values.numel() == 0) continue;
    GroupState& s = groups_[i];
    s.step.add_(1 - found_inf);
    at::_fused_adamw_({g.values}, {g.grads}, {s.exp_avg}, {s.exp_avg_sq}, {}, {s.step}, learning_rate, options_.beta1,
                      options_.beta2, g.decays ? options_.weight_decay : 0.0, options_.eps, /*amsgrad=*/false,
                      /*maximize=*/false, grad_scale, found_inf);
  }
}

NamedMoments AdamW::moments() {
  std::vector<int64_t> updates;
  for (const GroupState& s : groups_) updates.push_back(static_cast<int64_t>(s.step.item<float>()));
  NamedMoments all = parked_;
  for (const FlatParameters::Slot& slot : parameters_.slots()) {
    if (slot.frozen) continue;
    const GroupState& s = groups_[slot.group];
    all[slot.name] = {FlatParameters::view(s.exp_avg, slot), FlatParameters::view(s.exp_avg_sq, slot), updates[slot.group]};
  }
  return all;
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::state() {
  std::vector<std::pair<std::string, at::Tensor>> all;
  const auto add = [&](const std::string& name, const at::Tensor& exp_avg, const at::Tensor& exp_avg_sq,
                       const at::Tensor& step) {
    all.emplace_back("exp_avg." + name, exp_avg);
    all.emplace_back("exp_avg_sq." + name, exp_avg_sq);
    all.emplace_back("step." + name, step);
  };
  for (const FlatParameters::Slot& slot : parameters_.slots()) {
    if (slot.frozen) continue;
    const GroupState& s = groups_[slot.group];
    add(slot.name, FlatParameters::view(s.exp_avg, slot), FlatParameters::view(s.exp_avg_sq, slot), s.step);
  }
  for (const auto& [name, m] : parked_) add(name, m.exp_avg, m.exp_avg_sq, step_count(m.updates, m.exp_avg));
  return all;
}

void AdamW::take_over(const NamedMoments& before) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.slots().size(); ++i) {
    const FlatParameters::Slot& slot = parameters_.slots()[i];
    const auto found = before.find(slot.name);
    if (found == before.end()) continue;
    MomentPair m;
    if (slot.frozen) {
      const at::Tensor& like = parameters_.home(i);
      m = parked_[slot.name] = {at::zeros_like(like), at::zeros_like(like), found->second.updates};
    } else {
      const GroupState& s = groups_[slot.group];
      m = {FlatParameters::view(s.exp_avg, slot), FlatParameters::view(s.exp_avg_sq, slot)};
    }
    if (found->second.exp_avg.defined()) m.exp_avg.copy_(found->second.exp_avg);
    if (found->second.exp_avg_sq.defined()) m.exp_avg_sq.copy_(found->second.exp_avg_sq);
  }
}

}  // namespace gptcore
