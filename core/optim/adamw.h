// AdamW (Loshchilov & Hutter 2019) by LibTorch's fused kernel on the flat buffers. State is addressed by parameter name.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "core/optim/flat_parameters.h"

namespace gptcore {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0.1;
};

class AdamW {
 public:
  AdamW(FlatParameters& parameters, AdamWOptions options);

  // One update with gradients divided by `grad_scale` (0-dim float32). When `found_inf` (0-dim float32) is 1 nothing
  // changes: no parameter, no moment, no step count. Neither is read back, so nothing waits for a device.
  void step(double learning_rate, const at::Tensor& grad_scale, const at::Tensor& found_inf);

  // "exp_avg.<name>", "exp_avg_sq.<name>" of every trainable parameter and every parked one, and "step" (updates done): views,
  // to be saved or copied into.
  std::vector<std::pair<std::string, at::Tensor>> state();
  // Keeps zero moments of the frozen parameter `name` in the state, until a later AdamW takes them over.
  void park(const std::string& name);
  // Takes over every moment of `before` whose parameter is here, and the step count; moments of parameters that are frozen now
  // are parked.
  void take_over(AdamW& before);
  void set_weight_decay(double value) { options_.weight_decay = value; }

 private:
  struct Moments {
    at::Tensor exp_avg, exp_avg_sq, step;
  };
  FlatParameters& parameters_;
  AdamWOptions options_;
  std::vector<Moments> moments_;  // one a group
  std::vector<std::pair<std::string, Moments>> parked_;
};

}  // namespace gptcore
