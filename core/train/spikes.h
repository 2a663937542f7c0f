// Detects loss spikes: a loss or gradient norm far above its recent values. Every checkpoint holds a running mean and variance
// of both.
#pragma once

#include <cstdint>

namespace gptcore {

// Weights the last kWindow numbers exponentially. The first kWindow numbers have the plain mean and variance.
struct Running {
  static constexpr int64_t kWindow = 128;
  static constexpr int64_t kWarmup = 32;  // fewer numbers say nothing

  double mean = 0, variance = 0;
  int64_t count = 0;

  void add(double number);
  // Returns `zscore` standard deviations above the mean, or infinity until kWarmup numbers are known.
  double limit(double zscore) const;
  bool operator==(const Running&) const = default;
};

struct SpikeState {
  Running loss, grad_norm;
  int64_t rewinds = 0;  // returns to a checkpoint in this stage
  bool operator==(const SpikeState&) const = default;
};

}  // namespace gptcore
