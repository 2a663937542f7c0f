// The learning rate as a pure function of the update's number.
#pragma once

#include <cstdint>

#include "core/options/train_options.h"

namespace gptcore {

// Update `step` counts from 0; everything below counts from lr_schedule_offset on. Warm-up is nanoGPT's: learning_rate * (step
// + 1) / (warmup_iters + 1). After it, cosine and linear fall to min_lr at lr_decay_iters; wsd stays and falls linearly over
// its last wsd_decay_fraction; constant stays. From lr_decay_iters on, the rate is min_lr (constant: learning_rate).
double learning_rate_at(const TrainOptions& options, int64_t step);

}  // namespace gptcore
