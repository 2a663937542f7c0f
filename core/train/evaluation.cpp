#include "core/train/evaluation.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>

#include "core/train/train_options.h"

namespace gptcore {
namespace {

// Training draws shuffled samples from 0 on; evaluation's start where no run gets to.
constexpr int64_t kEvaluationSamples = int64_t{1} << 48;

}  // namespace

double evaluate_loss(Model& model, Dataset& dataset, std::mutex& dataset_mutex, Split split, const EvaluationPlan& plan,
                     ProcessGroup& group, at::Device device, const std::function<bool()>& cancelled) {
  const at::NoGradGuard no_grad;
  const bool whole = plan.iters == kWholeSplit;
  const int64_t samples = whole ? dataset.windows(split) : plan.iters * plan.batch_size;
  at::Tensor sums = at::zeros({2}, at::TensorOptions(device).dtype(at::kDouble));  // sum of losses, number of tokens
  model.train(false);
  bool stopped = false;
  for (int64_t first = group.rank() * plan.batch_size; first < samples && !stopped; first += group.size() * plan.batch_size) {
    Batch batch;
    {
      const std::lock_guard lock(dataset_mutex);
      dataset.batch({split, whole ? Order::sequential : Order::shuffled, whole ? first : kEvaluationSamples + first,
                     std::min(plan.batch_size, samples - first)},
                    batch);
    }
    const at::Tensor targets = batch.targets.to(device);
    const at::Tensor count = targets.ge(0).sum().to(at::kDouble);
    const at::Tensor loss = model.loss(batch.ids.to(device), targets).to(at::kDouble);
    sums[0].add_(at::where(count > 0, loss * count, 0.0));  // the mean over no target is none
    sums[1].add_(count);
    stopped = cancelled && cancelled();
  }
  model.train(true);
  group.all_reduce_sum(sums);
  if (stopped) return std::numeric_limits<double>::quiet_NaN();
  return sums[0].item<double>() / sums[1].item<double>();
}

}  // namespace gptcore
