// Detects that memory is about to run out. The kernel ends a process that takes the last of it by a signal that no process can
// catch, so a checkpoint must be on the disk before.
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <string>
#include <vector>

#include "core/device/device_memory.h"
#include "core/device/system_memory.h"

namespace gptcore {

// The sources of the figures; by default the machine's own.
struct MemorySources {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";                                            // control groups, version 2
  std::function<double()> clock = {};                                               // seconds; default: a steady clock
  std::function<DeviceMemory(c10::Device)> device_memory = gptcore::device_memory;  // called for GPUs only
};

class MemoryWatch {
 public:
  static constexpr double kInterval = 0.25;  // least seconds between two looks
  static constexpr double kQuiet = 600;      // seconds without a look after something was found
  static constexpr double kStalled = 25;     // percent of the time that tasks wait for memory

  // Memory counts as short when less than `free_percent` of it is left; 0 = never.
  MemoryWatch(double free_percent, c10::Device device, MemorySources sources = {});
  // Returns which memory is short, as "MemAvailable is 301.2 MiB of 15.6 GiB (1.9 %)"; "" when none is, or when it is too early
  // to look again. A figure that cannot be read counts as enough.
  std::string look();

 private:
  std::string stalled() const;
  std::string short_here() const;
  std::string short_device() const;
  bool is_short(const MemoryLimit& memory) const { return memory.left < memory.all * free_percent_ / 100; }

  double free_percent_;
  c10::Device device_;
  MemorySources sources_;
  std::vector<std::string> groups_;  // folders of our control group and of those around it
  double next_look_;
};

}  // namespace gptcore
