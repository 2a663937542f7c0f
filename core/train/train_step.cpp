#include "core/train/train_step.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
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

double share_of_targets(const Batch& batch) {
  return static_cast<double>(batch.targets.ge(0).sum().item<int64_t>()) / static_cast<double>(batch.targets.numel());
}

void mean_over(ProcessGroup& group, at::Tensor& number) {
  if (group.size() == 1) return;
  group.all_reduce_sum(number);
  number.div_(group.size());
}

double mean_over(ProcessGroup& group, at::Device device, double number) {
  if (group.size() == 1) return number;
  at::Tensor tensor = at::full({}, number, at::TensorOptions(device).dtype(at::kDouble));
  mean_over(group, tensor);
  return tensor.item<double>();
}

}  // namespace

StepResult train_step(TrainStep& s, const std::function<Batch()>& next_batch, int64_t micro_batches, int64_t first_micro_batch,
                      double learning_rate, const StepMeasures& measures, const StepLimits& limits) {
  Stopwatch update(measures.timing);
  s.workers->begin();
  at::Tensor loss_sum = at::zeros({}, at::TensorOptions(s.device).dtype(at::kFloat));
  const at::Tensor weight = s.scaler.scale() / micro_batches;  // 0-dim
  int64_t computed = 0;
  double filled = 0;  // share of the update's places that have a target: each target weighs the same, wherever it is
  for (int64_t i = 0; i < micro_batches; ++i) {
    Stopwatch fetch(measures.timing);
    const Batch batch = next_batch();
    fetch.lap(StepSection::data);
    seed_dropout(s.device, s.dropout_key, first_micro_batch + i);
    s.reducer->prepare(i + 1 == micro_batches);
    const double share = share_of_targets(batch);
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
  const double own = filled;
  if (s.group) filled = mean_over(*s.group, s.device, filled);
  if (limits.group) mean_over(*limits.group, loss);
  const bool has_loss = (limits.group ? filled : own) > 0, has_gradient = filled > 0;
  filled = std::max(filled, kNoTargets);
  loss.div_(limits.group ? filled : std::max(own, kNoTargets));
  // The kernel divides gradients by `divisor`: the loss scale and the clipping in one, without a pass of their own.
  at::Tensor divisor = filled == 1 ? s.scaler.scale() : s.scaler.scale() * filled;
  const at::Tensor unclipped = divisor, grad_norm = s.parameters->grad_norm() / unclipped;
  const at::Tensor found_inf = (grad_norm + loss).isfinite().logical_not().to(at::kFloat);
  const at::Tensor refused =
      limits.group ? found_inf.maximum((loss > limits.loss).logical_or(grad_norm > limits.grad_norm).to(at::kFloat))
                   : found_inf;
  if (s.grad_clip > 0) divisor = divisor * (grad_norm / s.grad_clip).clamp_min(1.0);
  StepResult result{loss, grad_norm, found_inf, refused, has_loss, has_gradient, computed};
  if (measures.layer_norms) {
    result.layer_norms = layer_grad_norms(*s.parameters);
    if (result.layer_norms.norms.defined()) result.layer_norms.norms.div_(unclipped);
  }
  update.lap(StepSection::clipping);
  if (has_gradient) {  // gradients of 0 would still decay moments and weights
    s.optimizer->step(learning_rate, divisor, refused);
    s.scaler.update(found_inf);
  }
  update.lap(StepSection::optimizer);
  return result;
}

}  // namespace gptcore
