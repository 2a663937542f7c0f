#include "core/train/train_step.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "gptcore/random.h"

namespace gptcore {
namespace {

// Dropout draws from LibTorch's generator, set anew for every micro-batch: no generator state outlives it.
void seed_dropout(at::Device device, uint64_t key, int64_t micro_batch) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::lock_guard lock(generator.mutex());
  generator.set_current_seed(random_bits(key, static_cast<uint64_t>(micro_batch)));
}

constexpr double kNoTargets = 1e-12;

// [all ranks] Sets both to their means over all ranks.
void mean_over(ProcessGroup& group, at::Tensor& loss, double& filled) {
  if (group.size() == 1) return;
  at::Tensor both = at::full({2}, filled, at::TensorOptions(loss.device()).dtype(at::kDouble));
  both[0].copy_(loss);
  group.all_reduce_sum(both);
  both.div_(group.size());
  loss.copy_(both[0]);
  filled = both[1].item<double>();
}

}  // namespace

StepResult train_step(TrainStep& s, const std::function<MicroBatch()>& next_batch, int64_t micro_batches,
                      int64_t first_micro_batch, double learning_rate, const StepMeasures& measures, const StepLimits& limits) {
  Stopwatch update(measures.timing);
  s.workers->begin();
  at::Tensor loss_sum = at::zeros({}, at::TensorOptions(s.device).dtype(at::kFloat));
  const at::Tensor weight = s.scaler.scale() / micro_batches;  // 0-dim
  int64_t computed = 0;
  double filled = 0;  // share of the update's places that have a target: each target weighs the same, wherever it is
  for (int64_t i = 0; i < micro_batches; ++i) {
    Stopwatch fetch(measures.timing);
    const MicroBatch batch = next_batch();
    fetch.lap(StepSection::data);
    seed_dropout(s.device, s.dropout_key, first_micro_batch + i);
    s.reducer->prepare(i + 1 == micro_batches);
    const double share = static_cast<double>(batch.target_count) / static_cast<double>(batch.targets.numel());
    filled += share;
    computed += share > 0 ? 1 : 0;
    const at::Tensor loss = s.workers->run(batch, share == 1 ? weight : weight * share, measures.timing);
    loss_sum.add_(share == 1 ? loss : loss * share);
  }
  filled /= static_cast<double>(micro_batches);
  s.workers->finish();
  s.reducer->finish();
  update.lap(StepSection::accumulation);

  const at::NoGradGuard no_grad;
  at::Tensor loss = loss_sum / micro_batches;
  if (s.group) mean_over(*s.group, loss, filled);
  const bool has_targets = filled > 0;
  filled = std::max(filled, kNoTargets);
  loss.div_(filled);
  // The kernel divides gradients by `divisor`: the loss scale and the clipping in one, without a pass of their own.
  at::Tensor divisor = filled == 1 ? s.scaler.scale() : s.scaler.scale() * filled;
  const at::Tensor unclipped = divisor, grad_norm = s.parameters->grad_norm() / unclipped;
  const at::Tensor found_inf = (grad_norm + loss).isfinite().logical_not().to(at::kFloat);
  const bool limited = std::isfinite(limits.loss) || std::isfinite(limits.grad_norm);
  const at::Tensor refused =
      limited ? found_inf.maximum((loss > limits.loss).logical_or(grad_norm > limits.grad_norm).to(at::kFloat)) : found_inf;
  if (s.grad_clip > 0) divisor = divisor * (grad_norm / s.grad_clip).clamp_min(1.0);
  StepResult result{loss, grad_norm, found_inf, refused, has_targets, computed};
  if (measures.layer_norms) {
    result.layer_norms = layer_grad_norms(*s.parameters);
    if (result.layer_norms.norms.defined()) result.layer_norms.norms.div_(unclipped);
  }
  update.lap(StepSection::clipping);
  if (has_targets) {  // gradients of 0 would still decay moments and weights
    s.optimizer->step(learning_rate, divisor, refused);
    s.scaler.update(found_inf);
  }
  update.lap(StepSection::optimizer);
  return result;
}

}  // namespace gptcore
