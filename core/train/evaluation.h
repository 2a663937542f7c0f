// The mean loss of a split, over some random windows or over all of it.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "core/distributed/process_group.h"
#include "gptcore/dataset.h"
#include "gptcore/host.h"
#include "gptcore/model.h"

namespace gptcore {

struct TrainOptions;

struct EvaluationPlan {
  int64_t iters = 200;  // batches, or kWholeSplit: every token of the split once
  int64_t batch_size = 12;
  bool operator==(const EvaluationPlan&) const = default;
};

EvaluationPlan evaluation_plan(const TrainOptions& options);
// Whether both take the same windows, so that their losses compare.
bool same_windows(const EvaluationPlan& a, const EvaluationPlan& b);

// Mean loss in nats per predicted token over all ranks; absent when no window has a target. The random windows are the same
// at every call, so that evaluations compare. Leaves the model in training mode. `goes_on` is asked after each batch, of
// all that there are; when it says false the result is absent.
std::optional<double> evaluate_loss(Model& model, Dataset& dataset, std::mutex& dataset_mutex, Split split,
                                    const EvaluationPlan& plan, ProcessGroup& group, at::Device device,
                                    const std::function<bool(int64_t batch, int64_t batches)>& goes_on = {});

// Adds "<split>_loss" to an evaluation's record, or the split's name to its list "no_targets" when there is none.
void add_loss(Table& fields, Split split, std::optional<double> loss);

// Tells how far an evaluation of that split is, from when it has taken `silent` seconds on: short ones say nothing. The host
// outlives what is returned.
std::function<void(int64_t batch, int64_t batches)> evaluation_progress(Host& host, Split split, double silent = 3);

// Throws Error(nonfinite), saying what is, when `loss` is not finite. The caller knows which checkpoints there are for a hint.
void require_finite(double loss, const std::string& what);

}  // namespace gptcore
