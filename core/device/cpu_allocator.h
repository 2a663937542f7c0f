// Keeps freed tensor memory for the next tensor of that size class. glibc returns big buffers to the kernel at every free,
// and a 124M step then spends a fifth of its time in page faults.
#pragma once

#include <cstddef>

namespace gptcore {

// Makes every CPU tensor from now on use the caching allocator. Call it once, before other threads allocate tensors; memory
// that LibTorch has allocated before stays with its own allocator. Further calls have no effect.
void use_caching_cpu_allocator();

struct CpuMemory {
  size_t in_use = 0;  // bytes handed out, rounded to size classes
  size_t cached = 0;  // bytes kept for reuse
  size_t peak = 0;    // highest in_use
};
CpuMemory cpu_memory();
// Makes `peak` the highest in_use since this call.
void reset_cpu_memory_peak();

// Gives all cached memory back to the system.
void release_cached_cpu_memory();

}  // namespace gptcore
