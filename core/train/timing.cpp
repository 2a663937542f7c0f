#include "core/train/timing.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <chrono>
#include <string>

namespace gptcore {
namespace {

constexpr double kNewest = 0.1;

constexpr std::array<const char*, kStepSections> kNames = {"evaluation",
                                                           "gradient_accumulation",
                                                           "gradient_accumulation.forward",
                                                           "gradient_accumulation.backward",
                                                           "gradient_accumulation.data",
                                                           "gradient_clipping",
                                                           "optimizer_step"};

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void wait_for(c10::Device device) {
  const c10::impl::VirtualGuardImpl guard(device.type());
  guard.synchronizeDevice(device.has_index() ? device.index() : guard.getDevice().index());
}

}  // namespace

Timing::Timing(c10::Device device, std::function<double()> clock)
    : device_(device), clock_(clock ? std::move(clock) : steady_seconds) {}

double Timing::now() const {
  if (!device_.is_cpu()) wait_for(device_);
  return clock_();
}

void Timing::add(StepSection section, double seconds) {
  sections_[static_cast<size_t>(section)].pending += seconds;
}

void Timing::fold(Average& average, double updates) {
  const double newest = average.pending / updates;
  average.seconds = average.known ? average.seconds + kNewest * (newest - average.seconds) : newest;
  average.known = true;
  average.pending = 0;
}

void Timing::end_update() {
  ++updates_;
  for (size_t i = 0; i < kStepSections; ++i)
    if (i != static_cast<size_t>(StepSection::evaluation)) fold(sections_[i], 1);
}

void Timing::end_evaluation() {
  Average& evaluation = sections_[static_cast<size_t>(StepSection::evaluation)];
  if (updates_ > 0) fold(evaluation, static_cast<double>(updates_));
  evaluation.pending = 0;
  updates_ = 0;
}

Table Timing::fields() const {
  Table out;
  for (size_t i = 0; i < kStepSections; ++i)
    if (sections_[i].known) out.emplace_back(std::string("time.") + kNames[i], sections_[i].seconds * 1e3);
  return out;
}

}  // namespace gptcore
