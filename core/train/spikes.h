// Loss spikes: a loss or gradient norm far above what it has been. A running mean and variance each, in every checkpoint.
#pragma once

#include <cstdint>

namespace gptcore {

// Exponentially weighted over the last kWindow numbers; of the first ones the plain mean and variance.
struct Running {
  static constexpr int64_t kWindow = 128;
  static constexpr int64_t kWarmup = 32;  // fewer numbers say nothing

  double mean = 0, variance = 0;
  int64_t count = 0;

  void add(double number);
  // `zscore` standard deviations above the mean; infinite until kWarmup numbers are known.
  double limit(double zscore) const;
  bool operator==(const Running&) const = default;
};

struct SpikeState {
  Running loss, grad_norm;
  int64_t rewinds = 0;  // of this stage
  bool operator==(const SpikeState&) const = default;
};

}  // namespace gptcore
