#include "core/train/stage_run.h"

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

void StageRun::take_states() {
  state.triggers = context.operations.states();
  state.evaluator_failures = context.evaluators.failures();
}

}  // namespace gptcore
