#include "core/optim/grad_scaler.h"

#include <ATen/ops/_amp_update_scale.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace gptcore {

GradScaler::GradScaler(bool enabled, at::Device device) : enabled_(enabled) {
  const at::TensorOptions options(device);
  scale_ = at::full({}, enabled ? 65536.0 : 1.0, options.dtype(at::kFloat));
  growth_ = at::zeros({}, options.dtype(at::kInt));
}

void GradScaler::update(const at::Tensor& found_inf) {
  if (enabled_) at::_amp_update_scale_(scale_, growth_, found_inf, 2.0, 0.5, 2000);
}

}  // namespace gptcore
