#include "core/data/micro_batch.h"

#include <ATen/TensorOperators.h>

namespace gptcore {

MicroBatch::MicroBatch(Batch batch) : Batch(std::move(batch)) {
  target_count = targets.ge(0).sum().item<int64_t>();
}

}  // namespace gptcore
