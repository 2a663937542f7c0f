#include "core/train/evaluation.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/model/structure.h"
#include "core/options/counts.h"
#include "core/options/train_options.h"
#include "gptcore/error.h"
#include "gptcore/event_fields.h"

namespace gptcore {
namespace {

// Training draws shuffled samples from 0 on; evaluation's start where no run gets to.
constexpr int64_t kEvaluationSamples = int64_t{1} << 48;

}  // namespace

EvaluationPlan evaluation_plan(const TrainOptions& o) {
  return {o.eval_iters, o.eval_batch_size > 0 ? o.eval_batch_size : o.batch_size};
}

bool same_windows(const EvaluationPlan& a, const EvaluationPlan& b) {
  if (a.iters == kWholeSplit || b.iters == kWholeSplit) return a.iters == b.iters;
  return a.iters * a.batch_size == b.iters * b.batch_size;
}

std::optional<double> evaluate_loss(Model& model, Dataset& dataset, std::mutex& dataset_mutex, Split split,
                                    const EvaluationPlan& plan, ProcessGroup& group, at::Device device,
                                    const std::function<bool(int64_t batch, int64_t batches)>& goes_on) {
  const at::NoGradGuard no_grad;
  const bool whole = plan.iters == kWholeSplit;
  const int64_t samples = whole ? dataset.windows(split) : plan.iters * plan.batch_size;
  at::Tensor sums = at::zeros({2}, at::TensorOptions(device).dtype(at::kDouble));  // sum of losses, number of tokens
  model.train(false);
  bool stopped = false;
  int64_t done = 0;
  const int64_t stride = group.size() * plan.batch_size;
  for (int64_t first = group.rank() * plan.batch_size; first < samples && !stopped; first += stride) {
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
    stopped = goes_on && !goes_on(++done, (samples + stride - 1) / stride);
  }
  model.train(true);
  group.all_reduce_sum(sums);
  const double targets = sums[1].item<double>();
  if (stopped || targets == 0) return std::nullopt;
  return sums[0].item<double>() / targets;
}

void add_loss(Table& fields, Split split, std::optional<double> loss) {
  if (loss) {
    fields.emplace_back(split == Split::train ? field::kTrainLoss : field::kValLoss, *loss);
    return;
  }
  List without;
  if (const Value* others = find(fields, field::kNoTargets)) without = others->as<List>();
  without.emplace_back(name_of(split));
  put(fields, field::kNoTargets, std::move(without));
}

std::function<void(int64_t, int64_t)> evaluation_progress(Host& host, Split split, double silent) {
  using Clock = std::chrono::steady_clock;
  return [&host, label = std::string("evaluating ") + name_of(split), silent, start = Clock::now()](int64_t batch,
                                                                                                    int64_t batches) {
    if (std::chrono::duration<double>(Clock::now() - start).count() >= silent) host.progress(label, batch, batches, "batches");
  };
}

void require_finite(double loss, const std::string& what) {
  if (std::isfinite(loss)) return;
  throw Error(Code::nonfinite, what + " is " + to_toml(Value(loss)));
}

}  // namespace gptcore
