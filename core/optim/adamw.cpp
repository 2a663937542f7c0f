#include "core/optim/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

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
    const Moments& m = moments_[slot.group];
    all.emplace_back("exp_avg." + slot.name, FlatParameters::view(m.exp_avg, slot));
    all.emplace_back("exp_avg_sq." + slot.name, FlatParameters::view(m.exp_avg_sq, slot));
  }
  all.emplace_back("step", moments_.front().step);
  return all;
}

}  // namespace gptcore
