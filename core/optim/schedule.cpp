#include "core/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gptcore {

double learning_rate_at(const TrainOptions& o, int64_t step) {
  step = std::max<int64_t>(step - o.lr_schedule_offset, 0);
  const auto at = static_cast<double>(step);
  const auto warmup = static_cast<double>(o.warmup_iters);
  if (step < o.warmup_iters) return o.learning_rate * (at + 1) / (warmup + 1);
  if (o.schedule == "constant") return o.learning_rate;
  const auto end = static_cast<double>(o.lr_decay_iters.value_or(o.max_iters - o.lr_schedule_offset));
  if (at >= end) return o.min_lr;
  const double progress = (at - warmup) / (end - warmup);  // 0 after warm-up, 1 at the end
  if (o.schedule == "linear") return o.learning_rate + (o.min_lr - o.learning_rate) * progress;
  if (o.schedule == "wsd") {
    const double start = 1 - o.wsd_decay_fraction;
    if (progress < start) return o.learning_rate;
    return o.learning_rate + (o.min_lr - o.learning_rate) * (progress - start) / o.wsd_decay_fraction;
  }
  return o.min_lr + 0.5 * (1 + std::cos(std::numbers::pi * progress)) * (o.learning_rate - o.min_lr);
}

}  // namespace gptcore
