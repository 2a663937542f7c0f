// Tries batch sizes on the model in training, for operations that look for the best.
#pragma once

#include <cstdint>

#include "core/distributed/process_group.h"
#include "core/train/batch_feed.h"
#include "core/train/train_step.h"
#include "gptcore/draft/model_edit.h"

namespace gptcore {

class LoopTrials final : public BatchTrials {
 public:
  // All arguments outlive this.
  LoopTrials(TrainStep& step, ProcessGroup& group, BatchFeed& feed) : step_(step), group_(group), feed_(feed) {}
  // [all ranks] Returns the same on all ranks: a size fits when it fits on each rank, with the slowest rank's time and the
  // fullest rank's memory.
  BatchTrial run(int64_t batch_size, int tries) override;
  int64_t memory_limit() const override;

 private:
  TrainStep& step_;
  ProcessGroup& group_;
  BatchFeed& feed_;
};

}  // namespace gptcore
