#include "core/device/memory_watch.h"

#include <chrono>
#include <cstdio>
#include <limits>

namespace gptcore {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string size_text(double bytes) {
  const bool large = bytes >= 1 << 30;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", bytes / (large ? 1 << 30 : 1 << 20), large ? "GiB" : "MiB");
  return text;
}

std::string left_text(const MemoryLimit& memory) {
  char percent[32];
  std::snprintf(percent, sizeof percent, " (%.1f %%)", memory.all > 0 ? memory.left / memory.all * 100 : 0);
  return memory.what + " is " + size_text(memory.left) + " of " + size_text(memory.all) + percent;
}

}  // namespace

MemoryWatch::MemoryWatch(double free_percent, c10::Device device, MemorySources sources)
    : free_percent_(free_percent),
      device_(device),
      sources_(std::move(sources)),
      next_look_(free_percent > 0 ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity()) {
  if (!sources_.clock) sources_.clock = steady_seconds;
  if (free_percent > 0) groups_ = control_groups(sources_.proc, sources_.cgroup);
}

std::string MemoryWatch::look() {
  const double now = sources_.clock();
  if (now < next_look_) return {};
  std::string found = short_here();
  if (found.empty()) found = stalled();
  if (found.empty() && !device_.is_cpu()) found = short_device();
  next_look_ = now + (found.empty() ? kInterval : kQuiet);
  return found;
}

// Reads the share of the last ten seconds in which some task waited for memory (PSI).
std::string MemoryWatch::stalled() const {
  const auto share = number_after(text_of_file(sources_.proc + "/pressure/memory"), "some avg10=");
  if (!share || *share < kStalled) return {};
  char text[64];
  std::snprintf(text, sizeof text, "tasks wait for memory %.1f %% of the time", *share);
  return text;
}

std::string MemoryWatch::short_here() const {
  if (const auto memory = machine_memory(sources_.proc); memory && is_short(*memory)) return left_text(*memory);
  for (const std::string& folder : groups_)
    for (const MemoryLimit& memory : group_memory(folder))
      if (is_short(memory)) return left_text(memory);
  return {};
}

std::string MemoryWatch::short_device() const {
  const DeviceMemory memory = sources_.device_memory(device_);
  const auto left = static_cast<double>(memory.available);
  const MemoryLimit limit{"free memory of " + device_.str(), left, left + static_cast<double>(memory.in_use)};
  return is_short(limit) ? left_text(limit) : std::string();
}

}  // namespace gptcore
