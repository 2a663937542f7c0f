// Counts evaluations without a fall of the val loss, for `patience` of a stage and `plateau` of an operation.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace gptcore {

// It is equal on all ranks and part of every checkpoint.
struct Plateau {
  double reference = std::numeric_limits<double>::infinity();  // follows a loss only when it is lower by more than min_delta
  int64_t evaluations = 0;                                     // since the reference last moved

  // Skips an absent loss, which means that no window had a target. A NaN counts as no fall.
  void observe(std::optional<double> loss, double min_delta) {
    if (!loss) return;
    const bool fell = *loss < reference - min_delta;
    if (fell) reference = *loss;
    evaluations = fell ? 0 : evaluations + 1;
  }
  // Restarts from this loss, or from the next one when it is NaN.
  void restart(double loss) { *this = {std::isnan(loss) ? std::numeric_limits<double>::infinity() : loss, 0}; }
  bool operator==(const Plateau&) const = default;
};

}  // namespace gptcore
