// Computes forward and backward passes of a micro-batch. A small model on a CPU is computed by several threads, each with its
// own rows of the batch from the first layer to the last: no barrier inside a pass, and a layer's activations stay in that
// core's cache.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/data/micro_batch.h"
#include "core/optim/flat_parameters.h"
#include "core/train/timing.h"
#include "gptcore/dataset.h"
#include "gptcore/model.h"

namespace gptcore {

class GradientWorkers {
 public:
  // `model` holds `parameters`, adopted by the first run(); both outlive this. `threads` is what the process may use; how many
  // of them get rows of their own depends on the model's size and the batch alone, so that equal runs stay equal.
  GradientWorkers(Model& model, FlatParameters& parameters, at::Device device, int64_t batch_size, int64_t threads);
  ~GradientWorkers();
  int64_t count() const;
  int64_t threads() const { return threads_; }

  // Clears all gradients.
  void begin();
  // The mean loss over the batch's targets (0-dim); its gradients times `weight` (0-dim) are added up until finish(). Without
  // a target it is 0 and adds nothing.
  // `timing` gets the forward and backward pass of the calling thread's rows, and the wait for the others as backward.
  at::Tensor run(const MicroBatch& batch, const at::Tensor& weight, Timing* timing = nullptr);
  // From here the parameters' gradients are the sums.
  void finish();

 private:
  struct Helper;
  at::Tensor run_rows(Model& model, const Batch& batch, const at::Tensor& weight, int64_t all_targets, Stopwatch& watch) const;

  Model& model_;
  FlatParameters& parameters_;
  at::Device device_;
  int64_t threads_;
  std::vector<std::unique_ptr<Helper>> helpers_;  // beside the calling thread
};

}  // namespace gptcore
