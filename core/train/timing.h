// Measures the sections of an update as moving averages, for loggers. A stage must ask for it, because on a GPU every boundary
// between sections waits for the device.
#pragma once

#include <c10/core/Device.h>

#include <array>
#include <cstdint>
#include <functional>

#include "gptcore/value.h"

namespace gptcore {

enum class StepSection : uint8_t { evaluation, accumulation, forward, backward, data, clipping, optimizer };
inline constexpr size_t kStepSections = 7;

class Timing {
 public:
  // `clock` returns seconds; default: a steady clock.
  explicit Timing(c10::Device device, std::function<double()> clock = {});
  // Waits for the device and returns the time in seconds.
  double now() const;
  // Adds to the section's time in this update.
  void add(StepSection section, double seconds);
  void end_update();
  // Spreads the evaluation's time over the updates since the evaluation before it. The first evaluation of a run is not
  // counted.
  void end_evaluation();
  // Returns milliseconds per update as exponential averages, the newest weighted 0.1: "time.evaluation",
  // "time.gradient_accumulation", "time.gradient_accumulation.forward", ... Leaves out sections without a time yet.
  Table fields() const;

 private:
  struct Average {
    double pending = 0, seconds = 0;
    bool known = false;
  };
  static void fold(Average& average, double updates);

  c10::Device device_;
  std::function<double()> clock_;
  std::array<Average, kStepSections> sections_{};
  int64_t updates_ = 0;  // since the last evaluation
};

// Splits a stretch of time into sections. Does nothing when `timing` is null.
class Stopwatch {
 public:
  explicit Stopwatch(Timing* timing) : timing_(timing), since_(timing ? timing->now() : 0) {}
  // Adds the time since the last lap, or since construction, to the section.
  void lap(StepSection section) {
    if (!timing_) return;
    const double now = timing_->now();
    timing_->add(section, now - since_);
    since_ = now;
  }

 private:
  Timing* timing_;
  double since_;
};

}  // namespace gptcore
