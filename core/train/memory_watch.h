// Whether memory is about to run out. The kernel ends a process that takes the last of it by a signal that none can catch, so
// a checkpoint must be on the disk before.
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <string>
#include <vector>

#include "core/train/device_memory.h"
#include "core/train/system_memory.h"

namespace gptcore {

// Where the figures come from; the machine's own by default.
struct MemorySources {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";                                            // control groups, version 2
  std::function<double()> clock = {};                                               // seconds; a steady one when empty
  std::function<DeviceMemory(c10::Device)> device_memory = gptcore::device_memory;  // asked for GPUs only
};

class MemoryWatch {
 public:
  static constexpr double kInterval = 0.25;  // seconds between two looks at least
  static constexpr double kQuiet = 600;      // seconds without a look after something was found
  static constexpr double kStalled = 25;     // percent of the time that tasks wait for memory

  // Memory is short where less than `free_percent` of it is left; 0 = never.
  MemoryWatch(double free_percent, c10::Device device, MemorySources sources = {});
  // What is short, as "MemAvailable is 301.2 MiB of 15.6 GiB (1.9 %)"; empty when nothing is, or when it is too early to
  // look again. What cannot be read is taken for enough.
  std::string look();

 private:
  std::string stalled() const;
  std::string short_here() const;
  std::string short_device() const;
  bool is_short(const MemoryLimit& memory) const { return memory.left < memory.all * free_percent_ / 100; }

  double free_percent_;
  c10::Device device_;
  MemorySources sources_;
  std::vector<std::string> groups_;  // folders of our control group and those around it
  double next_look_;
};

}  // namespace gptcore
