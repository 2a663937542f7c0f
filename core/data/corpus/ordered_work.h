// Runs tasks on several threads and returns their results in the order in which the tasks were put in.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/assert.h"

namespace gptcore {

// One thread calls put() and take(). When a task throws, the take() for it rethrows the exception.
template <class Task, class Result> class OrderedWork {
 public:
  OrderedWork(size_t threads, std::function<Result(Task&)> work) : work_(std::move(work)) {
    for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  // Drops tasks that have not begun.
  ~OrderedWork() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& t : threads_) t.join();
  }
  OrderedWork(const OrderedWork&) = delete;
  OrderedWork& operator=(const OrderedWork&) = delete;

  void put(Task task) {
    {
      const std::lock_guard lock(mutex_);
      slots_.push_back(std::make_unique<Slot>());
      slots_.back()->task = std::move(task);
      waiting_.push_back(slots_.back().get());
    }
    changed_.notify_all();
  }
  bool empty() const { return slots_.empty(); }
  // Returns whether take() would return at once.
  bool ready() {
    const std::lock_guard lock(mutex_);
    return !slots_.empty() && slots_.front()->done;
  }
  // Waits for the oldest task and returns its result. Precondition: not empty.
  Result take() {
    GPTCORE_ASSERT(!empty(), "a task was added before its result is taken");
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return slots_.front()->done; });
    const std::unique_ptr<Slot> slot = std::move(slots_.front());
    slots_.pop_front();
    if (slot->failure) std::rethrow_exception(slot->failure);
    return std::move(slot->result);
  }

 private:
  struct Slot {
    Task task{};
    Result result{};
    std::exception_ptr failure;
    bool done = false;
  };

  void run() {
    for (;;) {
      Slot* slot = nullptr;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
        if (stop_) return;
        slot = waiting_.front();
        waiting_.pop_front();
      }
      try {
        slot->result = work_(slot->task);
      } catch (...) {
        slot->failure = std::current_exception();
      }
      slot->task = {};
      {
        const std::lock_guard lock(mutex_);
        slot->done = true;
      }
      changed_.notify_all();
    }
  }

  std::function<Result(Task&)> work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Slot>> slots_;  // in order
  std::deque<Slot*> waiting_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gptcore
