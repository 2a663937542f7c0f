#include "core/train/checkpoint_sink.h"

namespace gptcore {

int64_t CheckpointSink::keep_point(const TrainState&, int64_t) {
  throw Error(Code::internal, "a restore point was published where none can be kept");
}

void CheckpointSink::forget_points_before(int64_t) {}

std::optional<Error> CheckpointSink::point_problem(int64_t) {
  return std::nullopt;
}

}  // namespace gptcore
