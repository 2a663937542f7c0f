// The mean loss of a split, over some random windows or over all of it.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "core/distributed/process_group.h"
#include "gptcore/dataset.h"
#include "gptcore/model.h"

namespace gptcore {

struct TrainOptions;

struct EvaluationPlan {
  int64_t iters = 200;  // batches, or kWholeSplit: every token of the split once
  int64_t batch_size = 12;
  bool operator==(const EvaluationPlan&) const = default;
};

EvaluationPlan evaluation_plan(const TrainOptions& options);

// Mean loss in nats per predicted token over all ranks; absent when no window has a target. The random windows are the same
// at every call, so that evaluations compare. Leaves the model in training mode. `cancelled` is asked between batches; when it
// says true the result is absent.
std::optional<double> evaluate_loss(Model& model, Dataset& dataset, std::mutex& dataset_mutex, Split split,
                                    const EvaluationPlan& plan, ProcessGroup& group, at::Device device,
                                    const std::function<bool()>& cancelled = {});

// Adds "<split>_loss" to an evaluation's record, or the split's name to its list "no_targets" when there is none.
void add_loss(Table& fields, Split split, std::optional<double> loss);

// Throws Error(nonfinite), saying what is, when `loss` is not finite.
void require_finite(double loss, const std::string& what);

}  // namespace gptcore
