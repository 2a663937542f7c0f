// What training publishes of its updates: the events step_ended with rates and times.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "core/train/batch_feed.h"
#include "core/train/stage_run.h"

namespace gptcore {

class StepRecords {
 public:
  // Both outlive this.
  StepRecords(StageRun& run, const BatchFeed& feed);

  // Where the sections of an update count their time; null unless the stage asks for it.
  Timing* timing() { return timing_ ? &*timing_ : nullptr; }
  // Counts an update that has taken `seconds`, without evaluations and checkpoints.
  void add(const StepResult& result, double seconds);
  // Publishes the last update, and the rates since the last one that was published. A number that is not finite is read from
  // the device here.
  void emit(const StepResult& result, double learning_rate);
  // Returns the fields that emit() has published since the last call; empty for none.
  Table take() { return std::exchange(record_, {}); }
  // Warns when there were updates and none of them had a target.
  void warn_without_targets() const;

 private:
  // The updates since the last emit(), between which operations may have changed model and batch.
  struct Meter {
    double seconds = 0, updates = 0, tokens = 0, flops = 0;
  };

  StageRun& run_;
  const BatchFeed& feed_;
  std::optional<Timing> timing_;
  Meter meter_;
  Table record_;
  int64_t blank_updates_ = 0;  // without a target
  bool had_target_ = false;
};

}  // namespace gptcore
