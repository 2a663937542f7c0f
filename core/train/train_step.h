// Does one update: micro-batches forward and backward, gradients reduced over ranks, norm, AdamW.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <limits>

#include "core/data/micro_batch.h"
#include "core/distributed/process_group.h"
#include "core/optim/adamw.h"
#include "core/optim/flat_parameters.h"
#include "core/optim/grad_scaler.h"
#include "core/train/gradient_workers.h"
#include "core/train/layer_norms.h"
#include "core/train/timing.h"
#include "gptcore/dataset.h"
#include "gptcore/model.h"

namespace gptcore {

// The objects that an update works on; all of them outlive the call.
struct TrainStep {
  Model& model;
  GradScaler& scaler;
  at::Device device;
  // TrainedParts replaces these when an operation changes what is trained.
  GradientWorkers* workers = nullptr;
  FlatParameters* parameters = nullptr;
  AdamW* optimizer = nullptr;
  GradientReducer* reducer = nullptr;
  double grad_clip = 1.0;  // 0 = off
  uint64_t dropout_key = 0;
  ProcessGroup* group = nullptr;  // counts losses and targets over its ranks; null: this rank alone
};

// Optional measurements.
struct StepMeasures {
  Timing* timing = nullptr;  // gets all sections but evaluation
  bool layer_norms = false;
};

// An update above one of these changes nothing.
struct StepLimits {
  double loss = std::numeric_limits<double>::infinity(), grad_norm = std::numeric_limits<double>::infinity();
};

// Numbers are 0-dim float32 on the device; reading one waits for the device.
struct StepResult {
  at::Tensor loss;              // mean over the targets of all ranks of TrainStep::group; 0 without any
  at::Tensor grad_norm;         // before clipping, over all ranks
  at::Tensor found_inf;         // 1: loss or gradients were not finite
  at::Tensor refused;           // 1: not finite or above a limit, and nothing was changed
  bool has_targets = true;      // false: no rank had a target; `loss` and `grad_norm` are 0, nothing was changed
  int64_t computed = 0;         // micro-batches of this rank with a target; the model skips the others
  LayerNorms layer_norms = {};  // like grad_norm; empty unless measured
};

// [all ranks] Calls `next_batch` `micro_batches` times. `first_micro_batch` numbers them over the stage; dropout depends on the
// number.
StepResult train_step(TrainStep& step, const std::function<MicroBatch()>& next_batch, int64_t micro_batches,
                      int64_t first_micro_batch, double learning_rate, const StepMeasures& measures = {},
                      const StepLimits& limits = {});

}  // namespace gptcore
