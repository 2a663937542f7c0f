#include "core/train/device_memory.h"

#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "core/train/cpu_allocator.h"

namespace gptcore {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

int64_t number_in(const char* file) {
  std::ifstream in(file);
  int64_t number = 0;
  return in >> number ? number : kUnlimited;  // cgroup v2 says "max"
}

int64_t available_in_system() {
  std::ifstream in("/proc/meminfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("MemAvailable:")) return std::stoll(line.substr(line.find(':') + 1)) * 1024;
  return kUnlimited;
}

int64_t available_in_group() {
  const int64_t most = number_in("/sys/fs/cgroup/memory.max"), used = number_in("/sys/fs/cgroup/memory.current");
  return most == kUnlimited || used == kUnlimited ? kUnlimited : std::max<int64_t>(most - used, 0);
}

}  // namespace

DeviceMemory device_memory(at::Device device) {
  if (device.is_cpu()) {
    const CpuMemory memory = cpu_memory();
    const auto cached = static_cast<int64_t>(memory.cached);
    return {static_cast<int64_t>(memory.in_use), static_cast<int64_t>(memory.peak),
            std::min(available_in_system(), available_in_group()) + cached};
  }
  c10::DeviceAllocator* const allocator = c10::getDeviceAllocator(device.type());
  const auto stats = allocator->getDeviceStats(device.index());
  const auto& bytes = stats.allocated_bytes[0];
  const auto free = static_cast<int64_t>(allocator->getMemoryInfo(device.index()).first);
  return {bytes.current, bytes.peak, free + stats.reserved_bytes[0].current - bytes.current};
}

void reset_memory_peak(at::Device device) {
  if (device.is_cpu())
    reset_cpu_memory_peak();
  else
    c10::getDeviceAllocator(device.type())->resetPeakStats(device.index());
}

void release_memory(at::Device device) {
  if (device.is_cpu())
    release_cached_cpu_memory();
  else
    c10::getDeviceAllocator(device.type())->emptyCache();
}

}  // namespace gptcore
