// The state that the parts of one stage's training loop share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/distributed/agreement.h"
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
  // [all ranks] Shares between two updates what each rank has seen: the time spent, a signal to stop, that memory is short.
  void agree(bool memory_is_short);
  // Returns whether training stops here on every rank.
  bool stops() const { return context.group.size() == 1 ? context.signals.received() != 0 : stops_; }
  bool memory_is_short() const { return memory_is_short_; }
  // [all ranks] Runs `work`. When it fails with an Error on one rank, throws on all of them.
  template <class Work> void together(Work&& work) {
    if (context.group.size() == 1) return std::forward<Work>(work)();
    std::optional<Error> failure;
    try {
      std::forward<Work>(work)();
    } catch (const Error& e) {
      failure = e;
    }
    if (const auto any = failure_of_any(context.group, context.step.device, failure)) throw Error(*any);
  }
  void info(const std::string& message) const { context.host.log(Level::info, message); }
  void warn(const std::string& message) const { context.host.log(Level::warning, message); }
  // Puts into the state what operations and evaluators have a checkpoint keep.
  void take_states();

  const TrainOptions& given;  // as the pipeline has them
  TrainOptions options;       // as operations left them
  TrainContext& context;
  TrainState& state;
  NetworkView view;

 private:
  bool stops_ = false, memory_is_short_ = false;
};

}  // namespace gptcore
