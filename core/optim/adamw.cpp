#include "core/optim/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <map>
#include <string_view>

namespace gptcore {

AdamW::AdamW(FlatParameters& parameters, AdamWOptions options) : parameters_(parameters), options_(options) {
  const at::Tensor step = at::zeros({}, parameters.groups().front().values.options());  // shared: groups move together
  for (const FlatParameters::Group& g : parameters.groups())
    moments_.push_back({at::zeros_like(g.values), at::zeros_like(g.values), step});
}

void AdamW::step(double learning_rate, const at::Tensor& grad_scale, const at::Tensor& found_inf) {
  at::NoGradGuard no_grad;
  moments_.front().step.add_(1 - found_inf);
  for (size_t i = 0; i < moments_.size(); ++i) {
    const FlatParameters::Group& g = parameters_.groups()[i];
    if (g.values.numel() == 0) continue;
    const Moments& m = moments_[i];
    at::_fused_adamw_({g.values}, {g.grads}, {m.exp_avg}, {m.exp_avg_sq}, {}, {m.step}, learning_rate, options_.beta1,
                      options_.beta2, g.decays ? options_.weight_decay : 0.0, options_.eps, /*amsgrad=*/false,
                      /*maximize=*/false, grad_scale, found_inf);
  }
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::state() {
  std::vector<std::pair<std::string, at::Tensor>> all;
  for (const FlatParameters::Slot& slot : parameters_.slots()) {
    if (slot.frozen) continue;
    const Moments& m = moments_[slot.group];
    all.emplace_back("exp_avg." + slot.name, FlatParameters::view(m.exp_avg, slot));
    all.emplace_back("exp_avg_sq." + slot.name, FlatParameters::view(m.exp_avg_sq, slot));
  }
  for (const auto& [name, m] : parked_) {
    all.emplace_back("exp_avg." + name, m.exp_avg);
    all.emplace_back("exp_avg_sq." + name, m.exp_avg_sq);
  }
  all.emplace_back("step", moments_.front().step);
  return all;
}

void AdamW::park(const std::string& name) {
  for (size_t i = 0; i < parameters_.slots().size(); ++i) {
    const FlatParameters::Slot& slot = parameters_.slots()[i];
    if (slot.name != name || !slot.frozen) continue;
    const at::Tensor like = parameters_.parameters()[i].tensor.detach();
    parked_.emplace_back(name, Moments{at::zeros_like(like), at::zeros_like(like), {}});
  }
}

void AdamW::take_over(AdamW& before) {
  const at::NoGradGuard no_grad;
  constexpr std::string_view kFirst = "exp_avg.";
  const auto old = before.state();
  for (const auto& [key, tensor] : old)
    if (key.starts_with(kFirst)) park(key.substr(kFirst.size()));
  const std::map<std::string, at::Tensor> values(old.begin(), old.end());
  for (auto& [key, tensor] : state())
    if (const auto found = values.find(key); found != values.end()) tensor.copy_(found->second);
}

}  // namespace gptcore
