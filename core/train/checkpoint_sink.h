// The interface through which the training loop publishes checkpoints.
#pragma once

#include <cstdint>
#include <optional>

#include "core/train/train_state.h"
#include "gptcore/error.h"

namespace gptcore {

class CheckpointSink {
 public:
  virtual ~CheckpointSink() = default;
  // Publishes a checkpoint, which is marked as the best one when `best` is true. After Error(io | disk_full) training
  // continues, up to three times in a row, but not at the end of a stage.
  virtual void save(const TrainState& state, bool best) = 0;
  // Returns the step of the run's best checkpoint, -1 when there is none.
  virtual int64_t marked_best() const { return -1; }
  // Returns whether restore points can be kept. Without them nothing can be undone, and the methods below are not called.
  virtual bool keeps_points() const { return false; }
  // Publishes the restore point of UndoPoint `number`. Returns the step of the run's best checkpoint, -1 when there is none.
  virtual int64_t keep_point(const TrainState& state, int64_t number);
  // Removes the restore points of lower numbers.
  virtual void forget_points_before(int64_t number);
  // Returns why training cannot return to a restore point, or nothing when it can.
  virtual std::optional<Error> point_problem(int64_t number);
};

}  // namespace gptcore
