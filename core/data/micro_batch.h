// A batch that knows how many of its places have a target.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>

#include "gptcore/dataset.h"

namespace gptcore {

struct MicroBatch : Batch {
  MicroBatch() = default;
  // Counts the targets.
  explicit MicroBatch(Batch batch);
  int64_t target_count = 0;
};

}  // namespace gptcore
