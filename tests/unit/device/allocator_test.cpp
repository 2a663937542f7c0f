#include "core/device/cpu_allocator.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "gptcore/error.h"
#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("a freed big tensor's memory serves the next of its size class", "[allocator]") {
  use_caching_cpu_allocator();
  void* first = nullptr;
  {
    const at::Tensor a = at::empty({1 << 20}, at::kFloat);
    first = a.data_ptr();
    CHECK(reinterpret_cast<uintptr_t>(first) % 64 == 0);
  }
  CHECK(cpu_memory().cached >= (size_t{4} << 20));
  const at::Tensor b = at::empty({(1 << 20) - 8}, at::kFloat);
  CHECK(b.data_ptr() == first);
  CHECK(cpu_memory().in_use >= (size_t{4} << 20));
}

TEST_CASE("released memory goes back and is counted", "[allocator]") {
  use_caching_cpu_allocator();
  { at::empty({3 << 20}, at::kFloat); }
  CHECK(cpu_memory().cached > 0);
  release_cached_cpu_memory();
  CHECK(cpu_memory().cached == 0);
}

TEST_CASE("tensors of every size can be written to their last byte", "[allocator]") {
  use_caching_cpu_allocator();
  for (int64_t size = 1; size < (int64_t{1} << 23); size = size * 3 + 1) {
    const at::Tensor t = at::empty({size}, at::kByte);
    t.fill_(7);
    CHECK(t[size - 1].item<int>() == 7);
  }
  CHECK(at::empty({0}).numel() == 0);
}

TEST_CASE("a tensor that cannot be had is an out-of-memory error, not a crash", "[allocator]") {
  use_caching_cpu_allocator();
  CHECK_THROWS_AS(at::empty({int64_t{1} << 47}, at::kByte), Error);
}
