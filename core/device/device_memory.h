// Watches and releases the memory of the device that tensors live on, whichever it is.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace gptcore {

struct DeviceMemory {
  int64_t in_use = 0;     // bytes of tensors
  int64_t peak = 0;       // highest in_use since reset_memory_peak()
  int64_t available = 0;  // bytes that this process could still allocate
};
// Reads the memory of a GPU from its allocator, that of the CPU from our allocator, /proc/meminfo and the control groups.
DeviceMemory device_memory(at::Device device);
void reset_memory_peak(at::Device device);
// Gives cached memory back to the system.
void release_memory(at::Device device);
// Runs `work`. Throws Error(out_of_memory) when LibTorch or the system runs out of memory in it.
void with_memory_errors(const std::function<void()>& work);

}  // namespace gptcore
