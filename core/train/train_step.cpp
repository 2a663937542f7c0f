#include "core/train/train_step.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

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

}  // namespace

StepResult train_step(TrainStep& s, const std::function<Batch()>& next_batch, int64_t micro_batches, int64_t first_micro_batch,
                      double learning_rate, const StepMeasures& measures, const StepLimits& limits) {
  Stopwatch update(measures.timing);
  s.workers->begin();
  at::Tensor loss_sum = at::zeros({}, at::TensorOptions(s.device).dtype(at::kFloat));
  const at::Tensor weight = s.scaler.scale() / micro_batches;  // 0-dim
  for (int64_t i = 0; i < micro_batches; ++i) {
    Stopwatch fetch(measures.timing);
    const Batch batch = next_batch();
    fetch.lap(StepSection::data);
    seed_dropout(s.device, s.dropout_key, first_micro_batch + i);
    s.reducer->prepare(i + 1 == micro_batches);
    loss_sum.add_(s.workers->run(batch, weight, measures.timing));
  }
  s.workers->finish();
  s.reducer->finish();
  update.lap(StepSection::accumulation);

  const at::NoGradGuard no_grad;
  // The kernel divides gradients by `divisor`: the loss scale and the clipping in one, without a pass of their own.
  const at::Tensor grad_norm = s.parameters->grad_norm() / s.scaler.scale();
  at::Tensor loss = loss_sum / micro_batches;
  if (limits.group && limits.group->size() > 1) {
    limits.group->all_reduce_sum(loss);
    loss.div_(limits.group->size());
  }
  const at::Tensor found_inf = (grad_norm + loss).isfinite().logical_not().to(at::kFloat);
  const at::Tensor refused =
      limits.group ? found_inf.maximum((loss > limits.loss).logical_or(grad_norm > limits.grad_norm).to(at::kFloat))
                   : found_inf;
  at::Tensor divisor = s.scaler.scale();
  if (s.grad_clip > 0) divisor = divisor * (grad_norm / s.grad_clip).clamp_min(1.0);
  StepResult result{loss, grad_norm, found_inf, refused};
  if (measures.layer_norms) {
    result.layer_norms = layer_grad_norms(*s.parameters);
    if (result.layer_norms.norms.defined()) result.layer_norms.norms.div_(s.scaler.scale());
  }
  update.lap(StepSection::clipping);
  s.optimizer->step(learning_rate, divisor, refused);
  s.scaler.update(found_inf);
  update.lap(StepSection::optimizer);
  return result;
}

}  // namespace gptcore
