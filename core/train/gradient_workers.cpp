#include "core/train/gradient_workers.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace gptcore {
namespace {

// Above this a second set of gradients costs more to clear and to add than the barriers it saves.
constexpr int64_t kMaxSharedParameters = 32'000'000;

Batch rows_of(const Batch& batch, int64_t part, int64_t parts) {
  const int64_t B = batch.ids.size(0), first = B * part / parts, last = B * (part + 1) / parts;
  return {batch.ids.narrow(0, first, last - first), batch.targets.narrow(0, first, last - first)};
}

// Returns the loss of rows without targets. The model is not called: its mean over no targets may be NaN, and NaN times 0 is
// NaN.
at::Tensor no_loss(at::Device device) {
  return at::zeros({}, at::TensorOptions(device).dtype(at::kFloat));
}

}  // namespace

// A thread with a model of its own that shares the parameters' values but not their gradients.
struct GradientWorkers::Helper {
  Helper(std::unique_ptr<Model> shared, const FlatParameters& parameters) : model(std::move(shared)) {
    for (const FlatParameters::Group& g : parameters.groups()) grads.push_back(at::zeros_like(g.grads));
    const std::vector<Parameter> own = model->parameters();
    for (size_t i = 0; i < own.size(); ++i) {
      at::Tensor tensor = own[i].tensor;
      tensor.set_data(parameters.home(i));
      if (parameters.slots()[i].frozen) continue;
      tensor.mutable_grad() = FlatParameters::view(grads[parameters.slots()[i].group], parameters.slots()[i]);
    }
    std::unique_lock lock(mutex);
    thread = std::thread([this] { work(); });
    changed.wait(lock, [this] { return !busy; });
  }
  ~Helper() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    changed.notify_all();
    thread.join();
  }

  void start(std::function<void()> what) {
    {
      const std::lock_guard lock(mutex);
      task = std::move(what);
      busy = true;
    }
    changed.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return !busy; });
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
  }
  void work() {
    at::get_num_threads();  // LibTorch sets a new thread's number when it first asks; ours must come after that
    at::set_num_threads(1);
    std::unique_lock lock(mutex);
    busy = false;
    changed.notify_all();
    while (true) {
      changed.wait(lock, [this] { return busy || stop; });
      if (stop) return;
      lock.unlock();
      try {
        task();
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      busy = false;
      changed.notify_all();
    }
  }

  std::unique_ptr<Model> model;
  std::vector<at::Tensor> grads;  // laid out as the parameters' groups
  at::Tensor loss;
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> task;
  std::exception_ptr failure;
  bool busy = true, stop = false;
  std::thread thread;
};

GradientWorkers::GradientWorkers(Model& model, FlatParameters& parameters, at::Device device, int64_t batch_size,
                                 int64_t threads)
    : model_(model), parameters_(parameters), device_(device), threads_(threads) {
  const int64_t workers = std::min(threads, batch_size);
  if (!device.is_cpu() || workers < 2 || parameters.count() > kMaxSharedParameters) return;
  // Each helper sets the number for threads that start later.
  const struct Restored {
    ~Restored() { at::set_num_threads(static_cast<int>(threads)); }
    int64_t threads;
  } restored{threads};
  for (int64_t i = 1; i < workers; ++i) {
    std::unique_ptr<Model> shared = model.share();
    if (!shared) return;
    helpers_.push_back(std::make_unique<Helper>(std::move(shared), parameters));
  }
}

GradientWorkers::~GradientWorkers() = default;

int64_t GradientWorkers::count() const {
  return static_cast<int64_t>(helpers_.size()) + 1;
}

void GradientWorkers::begin() {
  parameters_.zero_grad();
  for (const auto& helper : helpers_)
    for (at::Tensor& grad : helper->grads) grad.zero_();
}

at::Tensor GradientWorkers::run_rows(Model& model, const Batch& batch, const at::Tensor& weight, int64_t all_targets,
                                     Stopwatch& watch) const {
  const int64_t targets = MicroBatch(batch).target_count;
  if (targets == 0) return no_loss(at::kCPU);
  const at::Tensor loss = model.loss(batch.ids, batch.targets);
  const double share = static_cast<double>(targets) / static_cast<double>(all_targets);
  watch.lap(StepSection::forward);
  loss.backward(weight * share);
  return loss.detach() * share;
}

at::Tensor GradientWorkers::run(const MicroBatch& batch, const at::Tensor& weight, Timing* timing) {
  Stopwatch watch(timing);
  const int64_t all_targets = batch.target_count;
  if (all_targets == 0) return no_loss(device_);
  if (helpers_.empty()) {
    const at::Tensor loss = model_.loss(batch.ids.to(device_, /*non_blocking=*/true), batch.targets.to(device_, true));
    watch.lap(StepSection::forward);
    loss.backward(weight);
    watch.lap(StepSection::backward);
    return loss.detach();
  }
  for (int64_t i = 1; i < count(); ++i) {
    Helper& helper = *helpers_[static_cast<size_t>(i - 1)];
    helper.start([&, i] {
      Stopwatch off(nullptr);
      helper.loss = run_rows(*helper.model, rows_of(batch, i, count()), weight, all_targets, off);
    });
  }
  std::exception_ptr failure;
  at::Tensor loss;
  at::set_num_threads(1);
  try {
    loss = run_rows(model_, rows_of(batch, 0, count()), weight, all_targets, watch);
  } catch (...) {
    failure = std::current_exception();
  }
  at::set_num_threads(static_cast<int>(threads_));
  for (const auto& helper : helpers_) {  // all of them stop before anything is thrown
    try {
      helper->wait();
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  for (const auto& helper : helpers_) loss.add_(helper->loss);
  watch.lap(StepSection::backward);
  return loss;
}

void GradientWorkers::finish() {
  const at::NoGradGuard no_grad;
  for (const auto& helper : helpers_)
    for (size_t g = 0; g < helper->grads.size(); ++g) parameters_.groups()[g].grads.add_(helper->grads[g]);
}

}  // namespace gptcore
