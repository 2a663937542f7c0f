// Scales the loss for float16 (Micikevicius et al. 2018): doubles the scale after 2000 clean updates, halves it after an
// overflow. A disabled scaler is the constant 1, so the training step has one path.
#pragma once

#include <ATen/core/Tensor.h>

namespace gptcore {

class GradScaler {
 public:
  GradScaler(bool enabled, at::Device device);
  bool enabled() const { return enabled_; }
  const at::Tensor& scale() const { return scale_; }  // 0-dim float32, multiplies the loss
  // Call it after an update; `found_inf` is 1 when the gradients overflowed.
  void update(const at::Tensor& found_inf);
  // Returns the number of clean updates; checkpoints store it and scale().
  const at::Tensor& growth() const { return growth_; }

 private:
  bool enabled_;
  at::Tensor scale_, growth_;
};

}  // namespace gptcore
