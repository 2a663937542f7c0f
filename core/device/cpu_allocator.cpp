#include "core/device/cpu_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr size_t kAlignment = 64;            // one cache line, as LibTorch's kernels assume
constexpr size_t kSmall = size_t{64} << 10;  // glibc keeps smaller ones itself
constexpr size_t kHugePage = size_t{2} << 20;

// Rounds a size up to one of eight steps between powers of two: at most 12.5 % is unused.
size_t size_class(size_t bytes) {
  const size_t step = std::bit_floor(bytes) / 8;
  return (bytes + step - 1) / step * step;
}

// Stands in front of every tensor's data, so that a pointer alone is enough to free it.
struct alignas(kAlignment) Header {
  size_t bytes;  // of the size class, header included; 0 = from aligned_alloc
};

class CachingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    const c10::Device cpu(c10::DeviceType::CPU);
    if (bytes == 0) return {nullptr, nullptr, &release, cpu};
    const size_t wanted = bytes + sizeof(Header), size = wanted < kSmall ? 0 : size_class(wanted);
    void* base = size ? take(size) : std::aligned_alloc(kAlignment, (wanted + kAlignment - 1) / kAlignment * kAlignment);
    if (!base)
      throw Error(Code::out_of_memory, "no memory for a tensor of " + std::to_string(bytes >> 20) + " MiB",
                  "use a smaller batch_size (and more gradient_accumulation_steps) or a smaller model");
    auto* header = new (base) Header{size};
    return {header + 1, header + 1, &release, cpu};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }

  CpuMemory memory() {
    const std::lock_guard lock(mutex_);
    return memory_;
  }
  void release_cached() {
    const std::lock_guard lock(mutex_);
    release_locked();
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    memory_.peak = memory_.in_use;
  }

 private:
  static void release(void* data);

  void* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    auto& list = free_[bytes];
    void* data = nullptr;
    if (!list.empty()) {
      data = list.back();
      list.pop_back();
      memory_.cached -= bytes;
    } else {
      data = map(bytes);
      if (!data) {
        release_locked();
        data = map(bytes);
      }
      if (!data) return nullptr;
    }
    memory_.in_use += bytes;
    memory_.peak = std::max(memory_.peak, memory_.in_use);
    return data;
  }
  void give(void* data, size_t bytes) {
    const std::lock_guard lock(mutex_);
    free_[bytes].push_back(data);
    memory_.in_use -= bytes;
    memory_.cached += bytes;
  }
  void release_locked() {
    for (auto& [bytes, list] : free_) {
      for (void* data : list) munmap(data, mapped(bytes));
      memory_.cached -= bytes * list.size();
      list.clear();
    }
  }
  static size_t mapped(size_t bytes) { return (bytes + 4095) / 4096 * 4096; }
  static void* map(size_t bytes) {
    void* data = mmap(nullptr, mapped(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return nullptr;
    if (bytes >= kHugePage) madvise(data, mapped(bytes), MADV_HUGEPAGE);
    return data;
  }

  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;  // by class
  CpuMemory memory_;
};

// Returns an allocator that is never destroyed: tensors that live to the end of the process give their memory back to it.
CachingAllocator& gptcore_caching_allocator() {
  static auto* allocator = new CachingAllocator;
  return *allocator;
}

void CachingAllocator::release(void* data) {
  if (!data) return;
  Header* header = static_cast<Header*>(data) - 1;
  if (header->bytes == 0)
    std::free(header);
  else
    gptcore_caching_allocator().give(header, header->bytes);
}

}  // namespace

void use_caching_cpu_allocator() {
  c10::SetCPUAllocator(&gptcore_caching_allocator(), /*priority=*/1);
}
CpuMemory cpu_memory() {
  return gptcore_caching_allocator().memory();
}
void reset_cpu_memory_peak() {
  gptcore_caching_allocator().reset_peak();
}
void release_cached_cpu_memory() {
  gptcore_caching_allocator().release_cached();
}

}  // namespace gptcore
