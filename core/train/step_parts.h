// The parts of a TrainStep that are made anew when an operation changes what is trained.
#pragma once

#include <memory>

#include "core/distributed/process_group.h"
#include "core/model/network.h"
#include "core/optim/adamw.h"
#include "core/optim/flat_parameters.h"
#include "core/train/gradient_workers.h"
#include "core/train/train_options.h"
#include "core/train/train_step.h"

namespace gptcore {

class StepParts {
 public:
  // Allocates all that is needed for what of `network` requires gradients, which stays as it is until adopt(). The optimizer
  // takes over `moments`. Throws Error(out_of_memory).
  StepParts(Network& network, const TrainOptions& options, const NamedMoments& moments, at::Device device, int64_t threads,
            ProcessGroup& group);

  // The network's parameters move in here, and `step` works on these parts, which outlive its use of them. Those that it
  // worked on before may go.
  void adopt(TrainStep& step) noexcept;
  AdamW& optimizer() { return optimizer_; }

 private:
  FlatParameters parameters_;
  AdamW optimizer_;
  GradientWorkers workers_;
  std::unique_ptr<GradientReducer> reducer_;
};

}  // namespace gptcore
