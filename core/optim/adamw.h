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

// What AdamW keeps of one parameter.
struct MomentPair {
  at::Tensor exp_avg, exp_avg_sq;
};

class AdamW {
 public:
  AdamW(FlatParameters& parameters, AdamWOptions options);

  // One update with gradients divided by `grad_scale` (0-dim float32). When `found_inf` (0-dim float32) is 1 nothing
  // changes: no parameter, no moment, no step count. Neither is read back, so nothing waits for a device.
  void step(double learning_rate, const at::Tensor& grad_scale, const at::Tensor& found_inf);

  // "exp_avg.<name>", "exp_avg_sq.<name>" of every trainable parameter and every parked one, and the updates done: "step" of
  // those born at update 0, "step.<n>" of those born at update n. Views, to be saved or copied into.
  std::vector<std::pair<std::string, at::Tensor>> state();
  // Of every trainable parameter and every parked one, by its name: views.
  std::map<std::string, MomentPair> moments();
  // Keeps zero moments of the frozen parameter `name` in the state, until a later AdamW takes them over.
  void park(const std::string& name);
  // Keeps a step count for parameters born at that update, though none may be trainable now.
  void count_from(int64_t born);
  // Takes over every moment of `before` whose parameter is here, and the step counts; moments of parameters that are frozen
  // now are parked.
  void take_over(AdamW& before);
  // Takes over the step counts of `before`, and these moments in place of its own.
  void take_over(AdamW& before, const std::map<std::string, MomentPair>& moments);
  void set_weight_decay(double value) { options_.weight_decay = value; }

 private:
  FlatParameters& parameters_;
  AdamWOptions options_;
  std::vector<MomentPair> moments_;      // one a group
  std::map<int64_t, at::Tensor> steps_;  // by update of birth
  std::vector<std::pair<std::string, MomentPair>> parked_;
};

}  // namespace gptcore
