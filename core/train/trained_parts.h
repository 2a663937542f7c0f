// The flat parameters, optimizer, gradient workers and reducer of a stage, which are made anew when an operation changes what
// is trained.
#pragma once

#include <cstdint>
#include <memory>

#include "core/distributed/process_group.h"
#include "core/model/network.h"
#include "core/optim/adamw.h"
#include "core/options/train_options.h"
#include "core/train/train_step.h"

namespace gptcore {

class TrainedParts {
 public:
  // `step` uses the parts from the first build() on. All arguments outlive this.
  TrainedParts(Network& network, TrainStep& step, int64_t threads, ProcessGroup& group);
  virtual ~TrainedParts();
  // Makes the parts for the options, for the network and for what requires gradients in it. The optimizer takes over `moments`,
  // or keeps its present moments when null: none before the first build(). Throws Error(out_of_memory), having changed nothing.
  virtual void build(const TrainOptions& options, const NamedMoments* moments);
  // Precondition: build() has returned.
  AdamW& optimizer();

 private:
  struct Parts;
  Network& network_;
  TrainStep& step_;
  int64_t threads_;
  ProcessGroup& group_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gptcore
