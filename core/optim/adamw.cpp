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
  for (const FlatParameters::Group& g : parameters.groups()) {
    moments_.push_back({at::zeros_like(g.values), at::zeros_like(g.values)});
    count_from(g.born);
  }
}

void AdamW::count_from(int64_t born) {
  if (!steps_.contains(born)) steps_[born] = at::zeros({}, parameters_.groups().front().values.options());
}

void AdamW::step(double learning_rate, const at::Tensor& grad_scale, const at::Tensor& found_inf) {
  at::NoGradGuard no_grad;
  int64_t counted = -1;  // groups of one birth follow each other, except that those of 0 come first
  for (size_t i = 0; i < moments_.size(); ++i) {
    const FlatParameters::Group& g = parameters_.groups()[i];
    if (g.values.numel() == 0) continue;
    at::Tensor& step = steps_.at(g.born);
    if (g.born != counted) step.add_(1 - found_inf);
    counted = g.born;
    const MomentPair& m = moments_[i];
    at::_fused_adamw_({g.values}, {g.grads}, {m.exp_avg}, {m.exp_avg_sq}, {}, {step}, learning_rate, options_.beta1,
                      options_.beta2, g.decays ? options_.weight_decay : 0.0, options_.eps, /*amsgrad=*/false,
                      /*maximize=*/false, grad_scale, found_inf);
  }
}

std::map<std::string, MomentPair> AdamW::moments() {
  std::map<std::string, MomentPair> all(parked_.begin(), parked_.end());
  for (const FlatParameters::Slot& slot : parameters_.slots()) {
    if (slot.frozen) continue;
    const MomentPair& m = moments_[slot.group];
    all[slot.name] = {FlatParameters::view(m.exp_avg, slot), FlatParameters::view(m.exp_avg_sq, slot)};
  }
  return all;
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::state() {
  std::vector<std::pair<std::string, at::Tensor>> all;
  const auto add = [&](const std::string& name, const at::Tensor& exp_avg, const at::Tensor& exp_avg_sq) {
    all.emplace_back("exp_avg." + name, exp_avg);
    all.emplace_back("exp_avg_sq." + name, exp_avg_sq);
  };
  for (const FlatParameters::Slot& slot : parameters_.slots()) {
    if (slot.frozen) continue;
    const MomentPair& m = moments_[slot.group];
    add(slot.name, FlatParameters::view(m.exp_avg, slot), FlatParameters::view(m.exp_avg_sq, slot));
  }
  for (const auto& [name, m] : parked_) add(name, m.exp_avg, m.exp_avg_sq);
  for (const auto& [born, step] : steps_) all.emplace_back(born == 0 ? "step" : "step." + std::to_string(born), step);
  return all;
}

void AdamW::park(const std::string& name) {
  for (size_t i = 0; i < parameters_.slots().size(); ++i) {
    const FlatParameters::Slot& slot = parameters_.slots()[i];
    if (slot.name != name || !slot.frozen) continue;
    const at::Tensor like = parameters_.parameters()[i].tensor.detach();
    parked_.emplace_back(name, MomentPair{at::zeros_like(like), at::zeros_like(like)});
  }
}

void AdamW::take_over(AdamW& before) {
  take_over(before, before.moments());
}

void AdamW::take_over(AdamW& before, const std::map<std::string, MomentPair>& moments) {
  const at::NoGradGuard no_grad;
  for (const auto& [born, step] : before.steps_) {
    count_from(born);
    steps_.at(born).copy_(step);
  }
  for (const auto& [name, m] : moments) park(name);
  std::map<std::string, at::Tensor> homes;
  for (auto& [key, tensor] : state()) homes.emplace(key, tensor);
  const auto put = [&](const std::string& key, const at::Tensor& values) {
    if (const auto home = homes.find(key); values.defined() && home != homes.end()) home->second.copy_(values);
  };
  for (const auto& [name, m] : moments) {
    put("exp_avg." + name, m.exp_avg);
    put("exp_avg_sq." + name, m.exp_avg_sq);
  }
}

}  // namespace gptcore
