// The checkpoint that a run saves when memory is short, in whole runs.
#include <ATen/ops/zeros.h>

#include <filesystem>

#include "core/base/file_system.h"
#include "core/checkpoint/store.h"
#include "core/device/cpu_allocator.h"
#include "core/pipeline/tensor_files.h"
#include "tests/catch.h"
#include "tests/unit/base/temp_folder.h"
#include "tests/unit/pipeline/small_run.h"

using namespace gptcore;
using Run = gptcore::testing::SmallRun;

TEST_CASE("a run that is ended after memory was short goes on from there, to the bits of an undisturbed run", "[memory]") {
  Run whole;
  REQUIRE(run_pipeline(whole.plan) == 0);

  Run killed;
  killed.meminfo(500);
  int looks = 0;
  killed.plan.memory.clock = [&] {
    ++looks;  // after each update
    if (looks == 7) killed.meminfo(10);
    if (looks == 9) throw std::runtime_error("killed");
    return static_cast<double>(looks);
  };
  CHECK_THROWS_WITH(run_pipeline(killed.plan), "killed");
  CHECK(killed.checkpoints() == std::vector<std::string>{"step-000000007"});

  killed.meminfo(500);
  int more = 0;
  killed.plan.memory.clock = [&] { return static_cast<double>(++more); };
  REQUIRE(run_pipeline(killed.plan) == 0);
  CHECK(more < 12 - 7 + 1);
  CHECK(killed.weights() == whole.weights());
}

TEST_CASE("saving tensors takes no memory that grows with them", "[memory]") {
  use_caching_cpu_allocator();
  const TempFolder folder;
  const auto files = posix_file_system();
  const at::Tensor flat = at::zeros({3 << 20});  // 12 MiB, as parameters lie in their buffer
  const NamedTensors tensors = {{"a", flat.narrow(0, 64, 2 << 20).view({2, 1 << 20})}, {"b", flat.narrow(0, 2 << 20, 1 << 19)}};
  reset_cpu_memory_peak();
  const size_t before = cpu_memory().peak;
  std::vector<at::Tensor> keep;
  CheckpointStore(*files, folder.path).publish(1, {tensor_part("model.safetensors", tensors, keep)});
  CHECK(cpu_memory().peak == before);
  CHECK(keep[0].const_data_ptr() == tensors[0].second.const_data_ptr());
}
