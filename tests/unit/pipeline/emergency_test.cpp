// The checkpoint that a run saves when memory is short, in whole runs.
#include <ATen/ops/zeros.h>

#include <filesystem>

#include "core/base/file_system.h"
#include "core/checkpoint/store.h"
#include "core/config/core_items.h"
#include "core/config/load.h"
#include "core/pipeline/runner.h"
#include "core/pipeline/tensor_files.h"
#include "core/plugin/plugin_file.h"
#include "core/train/cpu_allocator.h"
#include "tests/catch.h"
#include "tests/unit/base/temp_folder.h"

using namespace gptcore;

namespace {

constexpr const char* kPipeline = R"(
[run]
out_dir = "out"
device = "cpu"
threads = 1
peak_tflops = 1
[tokenizer]
use = "char"
[dataset]
use = "text"
files = ["text.txt"]
[model]
n_layer = 1
n_head = 2
n_embd = 16
block_size = 8
[[stage]]
kind = "train"
max_iters = 12
batch_size = 4
eval_interval = 0
eval_iters = 1
)";

struct Run {
  Run() {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "the quick brown fox jumps over the lazy dog " + std::to_string(i * 7) + "\n";
    write_raw(folder.path / "text.txt", text);
    write_raw(folder.path / "pipeline.toml", kPipeline);
    Catalog catalog;
    add_core_items(catalog);
    for (const char* plugin : {"char", "text"})
      for (const ItemInfo& item : read_plugin_file(std::string(PLUGINS) + "/" + plugin + ".so").items) catalog.add(item);
    const std::string file = (folder.path / "pipeline.toml").string();
    plan.config = load_pipeline({file, {}, {}}, catalog);
    plan.plugin_files = files_used(plan.config, catalog);
    plan.memory = {(folder.path / "proc").string(), (folder.path / "cgroup").string()};
    out = folder.path / "out";
  }
  void meminfo(int64_t available) const {
    std::filesystem::create_directories(folder.path / "proc");
    write_raw(folder.path / "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: " + std::to_string(available) + " kB\n");
  }
  std::vector<std::string> checkpoints() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(out / "ckpt"))
      if (entry.is_directory()) names.push_back(entry.path().filename().string());
    return names;
  }
  std::string weights() const { return read_raw(out / "ckpt/step-000000012/model.safetensors"); }

  TempFolder folder;
  std::filesystem::path out;
  RunPlan plan;
};

}  // namespace

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
