// Where the time of an update goes, as moving averages, for loggers. Nothing is measured unless a stage asks for it: on a GPU
// every boundary between sections waits for the device.
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
  // `clock` gives seconds; a steady one when empty.
  explicit Timing(c10::Device device, std::function<double()> clock = {});
  // Seconds, once the device has done what it was given.
  double now() const;
  // Adds to what the section has taken in this update.
  void add(StepSection section, double seconds);
  void end_update();
  // Shares out what evaluation has taken over the updates since the one before; the first of a run counts for none.
  void end_evaluation();
  // Milliseconds an update, exponential averages with weight 0.1 for the newest: "time.evaluation",
  // "time.gradient_accumulation", "time.gradient_accumulation.forward", ... Without those that have none yet.
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
  // The time since the last lap, or since it was made, was the section's.
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
