// Memory of the device that tensors live on, whichever it is.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace gptcore {

struct DeviceMemory {
  int64_t in_use = 0;     // bytes of tensors
  int64_t peak = 0;       // highest in_use since reset_memory_peak()
  int64_t available = 0;  // bytes that this process could still take
};
// Of a GPU by its allocator; of the CPU by our allocator, /proc/meminfo and the control group.
DeviceMemory device_memory(at::Device device);
void reset_memory_peak(at::Device device);
// Gives cached memory back.
void release_memory(at::Device device);
// Does `work`. That LibTorch or the system has no memory for it becomes Error(out_of_memory).
void with_memory_errors(const std::function<void()>& work);

}  // namespace gptcore
