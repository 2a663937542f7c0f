#include "core/data/prefetcher.h"

#include <utility>

namespace gptcore {

Prefetcher::Prefetcher(Dataset& dataset, BatchPlan plan, std::mutex& dataset_mutex)
    : dataset_(dataset), plan_(plan), dataset_mutex_(dataset_mutex), thread_([this] { work(); }) {}

Prefetcher::~Prefetcher() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

MicroBatch Prefetcher::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !ready_.empty() || failure_; });
  if (ready_.empty()) std::rethrow_exception(failure_);
  MicroBatch batch = std::move(ready_.front());
  ready_.pop_front();
  lock.unlock();
  changed_.notify_all();
  return batch;
}

void Prefetcher::work() {
  for (int64_t k = 0;; ++k) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || ready_.size() < kDepth; });
      if (stop_) return;
    }
    MicroBatch ready;
    std::exception_ptr failure;
    try {
      const int64_t first = plan_.first_sample + (k * plan_.ranks + plan_.rank) * plan_.batch_size;
      Batch batch;
      {
        const std::lock_guard guard(dataset_mutex_);
        dataset_.batch({Split::train, Order::shuffled, first, plan_.batch_size}, batch);
      }
      ready = MicroBatch(std::move(batch));
    } catch (...) {
      failure = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      if (failure)
        failure_ = failure;
      else
        ready_.push_back(std::move(ready));
    }
    changed_.notify_all();
    if (failure) return;
  }
}

}  // namespace gptcore
