// Measures the mean loss of a split, over random windows or over the whole split.
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
// Returns whether both take the same windows, so that their losses compare.
bool same_windows(const EvaluationPlan& a, const EvaluationPlan& b);

// [all ranks] Returns the mean loss in nats per predicted token over all ranks; absent when no window has a target. The random
// windows are the same at every call, so that evaluations compare. Leaves the model in training mode. Calls `goes_on` after
// each batch; the result is absent when it returns false.
std::optional<double> evaluate_loss(Model& model, Dataset& dataset, std::mutex& dataset_mutex, Split split,
                                    const EvaluationPlan& plan, ProcessGroup& group, at::Device device,
                                    const std::function<bool(int64_t batch, int64_t batches)>& goes_on = {});

// Adds "<split>_loss" to an evaluation's record, or the split's name to its list "no_targets" when there is none.
void add_loss(Table& fields, Split split, std::optional<double> loss);

// Returns a function that reports the evaluation's progress once it has taken `silent` seconds. The host outlives the function.
std::function<void(int64_t batch, int64_t batches)> evaluation_progress(Host& host, Split split, double silent = 3);

// Throws Error(nonfinite), which names `what`, when `loss` is not finite. The error has no hint: only callers know the
// checkpoints.
void require_finite(double loss, const std::string& what);

}  // namespace gptcore
