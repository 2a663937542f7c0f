// How long the val loss has not fallen: what `patience` of a stage and `plateau` of an operation count.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace gptcore {

// Equal on all ranks, part of every checkpoint.
struct Plateau {
  double reference = std::numeric_limits<double>::infinity();  // moves only when a loss is below it by more than min_delta
  int64_t evaluations = 0;                                     // since it moved

  // A loss that is absent, because no window had a target, is not counted; a NaN did not fall.
  void observe(std::optional<double> loss, double min_delta) {
    if (!loss) return;
    const bool fell = *loss < reference - min_delta;
    if (fell) reference = *loss;
    evaluations = fell ? 0 : evaluations + 1;
  }
  // Counts anew from this loss, or from the next one when it is NaN.
  void restart(double loss) { *this = {std::isnan(loss) ? std::numeric_limits<double>::infinity() : loss, 0}; }
  bool operator==(const Plateau&) const = default;
};

}  // namespace gptcore
