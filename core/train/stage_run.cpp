#include "core/train/stage_run.h"

#include <ATen/ops/tensor.h>

namespace gptcore {

StageRun::StageRun(const TrainOptions& stage_options, TrainContext& stage_context, TrainState& stage_state)
    : given(stage_options),
      options(with_settings(stage_options, stage_state.settings)),
      context(stage_context),
      state(stage_state),
      view(stage_context.network) {}

bool StageRun::finished() const {
  return state.step >= options.max_iters || (options.max_tokens > 0 && state.tokens >= options.max_tokens) ||
         (options.max_time > 0 && state.seconds >= options.max_time);
}

double StageRun::largest(double number) const {
  return gptcore::largest(context.group, context.step.device, number);
}

void StageRun::agree(bool memory_is_short) {
  memory_is_short_ = memory_is_short;
  if (context.group.size() == 1) return;
  at::Tensor seen = at::tensor({state.seconds, context.signals.received() != 0 ? 1.0 : 0.0, memory_is_short ? 1.0 : 0.0},
                               at::TensorOptions(context.step.device).dtype(at::kDouble));
  context.group.all_reduce_max(seen);
  seen = seen.cpu();
  state.seconds = seen[0].item<double>();
  stops_ = seen[1].item<double>() > 0;
  memory_is_short_ = seen[2].item<double>() > 0;
}

void StageRun::take_states() {
  state.triggers = context.operations.states();
  state.evaluator_failures = context.evaluators.failures();
}

}  // namespace gptcore
