// Loss scaling for float16 (Micikevicius et al. 2018): doubled after 2000 clean updates, halved after an overflow.
// Disabled it is the constant 1, so the training step has one path.
#pragma once

#include <ATen/core/Tensor.h>

namespace gptcore {

class GradScaler {
 public:
  GradScaler(bool enabled, at::Device device);
  bool enabled() const { return enabled_; }
  const at::Tensor& scale() const { return scale_; }  // 0-dim float32, multiplies the loss
  // After an update; `found_inf` is 1 when the gradients overflowed.
  void update(const at::Tensor& found_inf);
  // scale and number of clean updates, for checkpoints.
  const at::Tensor& growth() const { return growth_; }

 private:
  bool enabled_;
  at::Tensor scale_, growth_;
};

}  // namespace gptcore
