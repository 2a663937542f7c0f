#include "core/train/batch_feed.h"

namespace gptcore {

BatchFeed::BatchFeed(StageRun& run) : run_(run), block_size_(run.context.step.model.block_size()) {
  count();
}

void BatchFeed::count() {
  accumulation_ = accumulation_steps(run_.options, block_size_, run_.context.group.size());
  samples_per_update_ = run_.options.batch_size * accumulation_ * run_.context.group.size();
  tokens_per_update_ = samples_per_update_ * block_size_;
  flops_per_update_ = run_.context.step.model.flops_per_token() * static_cast<double>(tokens_per_update_);
}

void BatchFeed::add_update() {
  TrainState& state = run_.state;
  state.micro_batches += accumulation_;
  state.samples += samples_per_update_;
  state.tokens += tokens_per_update_;
  ++state.step;
}

MicroBatch BatchFeed::next() {
  TrainContext& c = run_.context;
  if (!prefetcher_)
    prefetcher_.emplace(c.dataset, BatchPlan{run_.options.batch_size, c.group.rank(), c.group.size(), run_.state.samples},
                        c.dataset_mutex);
  return prefetcher_->next();
}

Batch BatchFeed::batch(int64_t first, int64_t samples) {
  Batch batch;
  const std::lock_guard lock(run_.context.dataset_mutex);
  run_.context.dataset.batch({Split::train, Order::shuffled, first, samples}, batch);
  return batch;
}

Batch BatchFeed::peek(int64_t samples) {
  return batch(run_.state.samples, samples);
}

Batch BatchFeed::probe() {
  constexpr int64_t kProbe = int64_t{1} << 49;
  return batch(kProbe, 2);
}

}  // namespace gptcore
