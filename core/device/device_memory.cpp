#include "core/device/device_memory.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <new>
#include <string>

#include "core/device/cpu_allocator.h"
#include "core/device/system_memory.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

int64_t available_to_process() {
  double left = static_cast<double>(std::numeric_limits<int64_t>::max() / 2);
  if (const auto memory = machine_memory("/proc")) left = std::min(left, memory->left);
  for (const std::string& folder : control_groups("/proc", "/sys/fs/cgroup"))
    for (const MemoryLimit& memory : group_memory(folder)) left = std::min(left, memory.left);
  return static_cast<int64_t>(left);
}

}  // namespace

DeviceMemory device_memory(at::Device device) {
  if (device.is_cpu()) {
    const CpuMemory memory = cpu_memory();
    const auto cached = static_cast<int64_t>(memory.cached);
    return {static_cast<int64_t>(memory.in_use), static_cast<int64_t>(memory.peak), available_to_process() + cached};
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

void with_memory_errors(const std::function<void()>& work) {
  const auto fail = [](const std::string& what) {
    throw Error(Code::out_of_memory, what,
                "use a smaller batch_size (and more gradient_accumulation_steps) or a smaller model");
  };
  try {
    work();
  } catch (const c10::OutOfMemoryError& e) {
    const std::string text = e.what_without_backtrace();
    fail(text.substr(0, text.find('\n')));
  } catch (const std::bad_alloc&) {
    fail("no memory left");
  }
}

}  // namespace gptcore
