// Makes the next micro-batches of training on its own thread while the current one is computed.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "core/data/micro_batch.h"

namespace gptcore {

// The k-th micro-batch of rank r of R is the B samples from first + (k R + r) B on: all ranks together see one order.
struct BatchPlan {
  int64_t batch_size = 0;       // B
  int64_t rank = 0, ranks = 1;  // r, R
  int64_t first_sample = 0;     // first: the global index where the first call of next() starts
};

class Prefetcher {
 public:
  // All calls to dataset.batch() must hold `dataset_mutex`. The dataset must outlive this object.
  Prefetcher(Dataset& dataset, BatchPlan plan, std::mutex& dataset_mutex);
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;
  // Waits for the next micro-batch and returns it; rethrows an exception of the dataset.
  MicroBatch next();

 private:
  void work();
  static constexpr size_t kDepth = 4;

  Dataset& dataset_;
  BatchPlan plan_;
  std::mutex& dataset_mutex_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<MicroBatch> ready_;
  std::exception_ptr failure_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace gptcore
