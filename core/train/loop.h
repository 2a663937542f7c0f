// The training loop of one stage; trainer.h says what it does.
#pragma once

#include <optional>

#include "core/train/batch_feed.h"
#include "core/train/checkpoint_writer.h"
#include "core/train/operation_runner.h"
#include "core/train/stage_evaluation.h"
#include "core/train/step_guard.h"
#include "core/train/step_records.h"

namespace gptcore {

class Loop {
 public:
  Loop(const TrainOptions& options, TrainContext& context, TrainState& state);
  TrainEnd run();

 private:
  TrainEnd end(StageEnd how);
  std::optional<Rewind> update();
  // Returns how the stage ends, absent: it continues.
  std::optional<TrainEnd> evaluate();
  void require_finite_losses() const;

  StageRun run_;
  BatchFeed feed_;
  StepRecords records_;
  StepGuard guard_;
  StageEvaluation evaluation_;
  CheckpointWriter writer_;
  OperationRunner operations_;
};

}  // namespace gptcore
