// The state that the parts of one stage's training loop share.
#pragma once

#include <cstdint>
#include <string>

#include "core/train/trainer.h"

namespace gptcore {

struct StageRun {
  // All arguments outlive this.
  StageRun(const TrainOptions& stage_options, TrainContext& stage_context, TrainState& stage_state);
  StageRun(const StageRun&) = delete;
  StageRun& operator=(const StageRun&) = delete;

  // Updates of the whole run.
  int64_t global_step() const { return context.first_step + state.step; }
  // Returns whether the stage has done what max_iters, max_tokens and max_time ask for.
  bool finished() const;
  // [all ranks] Returns the largest of all ranks' numbers.
  double largest(double number) const;
  void info(const std::string& message) const { context.host.log(Level::info, message); }
  void warn(const std::string& message) const { context.host.log(Level::warning, message); }
  // Puts into the state what operations and evaluators have a checkpoint keep.
  void take_states();

  const TrainOptions& given;  // as the pipeline has them
  TrainOptions options;       // as operations left them
  TrainContext& context;
  TrainState& state;
  NetworkView view;
};

}  // namespace gptcore
