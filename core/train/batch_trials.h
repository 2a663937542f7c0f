// Tries batch sizes on the model in training, for operations that look for the best.
#pragma once

#include <cstdint>
#include <functional>

#include "core/distributed/process_group.h"
#include "core/train/train_step.h"
#include "gptcore/draft/model_edit.h"

namespace gptcore {

class LoopTrials final : public BatchTrials {
 public:
  // `batch(n)` gives the n samples that come next, without taking them. All outlive this.
  LoopTrials(TrainStep& step, ProcessGroup& group, std::function<Batch(int64_t)> batch)
      : step_(step), group_(group), batch_(std::move(batch)) {}
  // [all ranks] Equal on all of them: it fits when it fits on each, and takes as long and as much as on the slowest and
  // fullest.
  BatchTrial run(int64_t batch_size, int tries) override;
  int64_t memory_limit() const override;

 private:
  TrainStep& step_;
  ProcessGroup& group_;
  std::function<Batch(int64_t)> batch_;
};

}  // namespace gptcore
