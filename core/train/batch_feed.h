// The training samples of a stage: how many an update takes, and the micro-batches themselves.
#pragma once

#include <cstdint>
#include <optional>

#include "core/data/prefetcher.h"
#include "core/train/stage_run.h"

namespace gptcore {

class BatchFeed {
 public:
  // `run` outlives this. Throws Error(conflict) when tokens_per_step does not divide.
  explicit BatchFeed(StageRun& run);

  // Returns the next micro-batch of this rank. Later ones are made meanwhile on a thread of their own.
  MicroBatch next();
  // Drops the micro-batches that were made in advance.
  void restart() { prefetcher_.reset(); }
  // Counts anew how much an update takes, after run.options or the model has changed.
  void count();
  // Adds an update to the state's counts.
  void add_update();
  // Returns the `samples` that come next, without taking them.
  Batch peek(int64_t samples);
  // Returns two samples from where neither training nor evaluation gets to.
  Batch probe();

  int64_t block_size() const { return block_size_; }
  int64_t accumulation() const { return accumulation_; }            // micro-batches an update and rank
  int64_t tokens_per_update() const { return tokens_per_update_; }  // over all ranks
  double flops_per_update() const { return flops_per_update_; }     // over all ranks

 private:
  Batch batch(int64_t first, int64_t samples);

  StageRun& run_;
  const int64_t block_size_;
  int64_t accumulation_ = 1, samples_per_update_ = 0, tokens_per_update_ = 0;
  double flops_per_update_ = 0;
  std::optional<Prefetcher> prefetcher_;
};

}  // namespace gptcore
