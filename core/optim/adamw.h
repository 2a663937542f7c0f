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

// The moments that AdamW keeps of one parameter, and the number of updates behind them.
struct MomentPair {
  at::Tensor exp_avg, exp_avg_sq;
  int64_t updates = 0;
};
using NamedMoments = std::map<std::string, MomentPair>;  // by parameter

// Returns the number of updates behind each of them.
std::map<std::string, int64_t> updates_of(const NamedMoments& moments);

class AdamW {
 public:
  // Moments start at 0. Bias correction counts each parameter's updates from FlatParameters::Group::updates on.
  AdamW(FlatParameters& parameters, AdamWOptions options);

  // Does one update with gradients divided by `grad_scale` (0-dim float32). When `found_inf` (0-dim float32) is 1, nothing
  // changes: no parameter, no moment, no step count. Neither argument is read back, so nothing waits for a device.
  void step(double learning_rate, const at::Tensor& grad_scale, const at::Tensor& found_inf);

  // Returns "exp_avg.<name>", "exp_avg_sq.<name>" and "step.<name>", the number of updates behind them, of every trainable and
  // every parked parameter. The moments are views, to be saved or copied into.
  std::vector<std::pair<std::string, at::Tensor>> state();
  // Returns the moments of every trainable and every parked parameter, as views. Waits for the device.
  NamedMoments moments();
  // Takes over the moments of parameters that this optimizer has. Parks those of frozen parameters, with their counts, until a
  // later AdamW takes them over. Undefined moments are 0. The counts of trainable parameters are FlatParameters' own.
  void take_over(const NamedMoments& before);

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
