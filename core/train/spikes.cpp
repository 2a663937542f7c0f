#include "core/train/spikes.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gptcore {

void Running::add(double number) {
  count = std::min(count + 1, kWindow);
  const double weight = 1.0 / static_cast<double>(count), distance = number - mean;
  mean += weight * distance;
  variance = (1 - weight) * (variance + weight * distance * distance);
}

double Running::limit(double zscore) const {
  if (count < kWarmup) return std::numeric_limits<double>::infinity();
  return mean + zscore * std::sqrt(variance);
}

}  // namespace gptcore
