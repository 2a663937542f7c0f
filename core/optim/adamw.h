// AdamW (Loshchilov & Hutter 2019) by LibTorch's fused kernel on the flat buffers. State is addressed by parameter name.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/optim/flat_parameters.h"

namespace gptcore {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0.1;
};

// What AdamW keeps of one parameter, and the number of updates that it comes from.
struct MomentPair {
  at::Tensor exp_avg, exp_avg_sq;
  int64_t updates = 0;
};
using NamedMoments = std::map<std::string, MomentPair>;  // by parameter

// How many updates each of them comes from.
std::map<std::string, int64_t> updates_of(const NamedMoments& moments);

class AdamW {
 public:
  // Moments are 0. Bias correction counts from FlatParameters::Group::updates on, for each parameter its own.
  AdamW(FlatParameters& parameters, AdamWOptions options);

  // One update with gradients divided by `grad_scale` (0-dim float32). When `found_inf` (0-dim float32) is 1 nothing
  // changes: no parameter, no moment, no step count. Neither is read back, so nothing waits for a device.
  void step(double learning_rate, const at::Tensor& grad_scale, const at::Tensor& found_inf);

  // "exp_avg.<name>", "exp_avg_sq.<name>" and "step.<name>", the updates that they come from, of every trainable parameter and
  // every parked one. The moments are views, to be saved or copied into.
  std::vector<std::pair<std::string, at::Tensor>> state();
  // Of every trainable parameter and every parked one: views. Waits for the device.
  NamedMoments moments();
  // Takes over the moments of parameters that are here, those of frozen ones too: they are kept, with their counts, until a
  // later AdamW takes them over. Undefined ones are 0. The counts of trainable parameters are FlatParameters' own.
  void take_over(const NamedMoments& before);
  void set_weight_decay(double value) { options_.weight_decay = value; }

 private:
  struct GroupState {
    at::Tensor exp_avg, exp_avg_sq;
    at::Tensor step;  // 0-dim
  };
  FlatParameters& parameters_;
  AdamWOptions options_;
  std::vector<GroupState> groups_;
  NamedMoments parked_;  // of frozen parameters
};

}  // namespace gptcore
