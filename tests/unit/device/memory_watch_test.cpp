#include "core/device/memory_watch.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>

#include <filesystem>
#include <fstream>

#include "core/train/trainer.h"
#include "tests/catch.h"
#include "tests/unit/base/temp_folder.h"
#include "tests/unit/train/rig.h"

using namespace gptcore;
using Catch::Matchers::Contains;
using gptcore::testing::Rig;
using gptcore::testing::short_run;

namespace {

// A machine with enough memory, until a test writes otherwise.
struct Machine {
  Machine() {
    write("proc/meminfo", "MemTotal:       16000000 kB\nMemFree:          100 kB\nMemAvailable:   8000000 kB\n");
    write("proc/pressure/memory", "some avg10=0.00 avg60=90.00 avg300=90.00 total=5\nfull avg10=99.00 total=1\n");
    write("proc/self/cgroup", "4:memory:/old\n0::/outer/inner\n");
    group("", 100, 0);
  }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder.path / name).parent_path());
    std::ofstream(folder.path / name) << text;
  }
  void meminfo(int64_t available) const {
    write("proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: " + std::to_string(available) + " kB\n");
  }
  // A control group that uses so many of 1000 MiB, some of it for cached files.
  void group(const std::string& path, int64_t used, int64_t cached, const char* limit_file = "memory.max") const {
    const int64_t mib = 1 << 20;
    for (const char* file : {"memory.max", "memory.high"}) write("cgroup" + path + "/" + file, "max\n");
    write("cgroup" + path + "/" + limit_file, std::to_string(1000 * mib) + "\n");
    write("cgroup" + path + "/memory.current", std::to_string(used * mib) + "\n");
    write("cgroup" + path + "/memory.stat", "anon 5\ninactive_file " + std::to_string(cached * mib / 2) + "\nactive_file " +
                                                std::to_string(cached * mib / 2) + "\n");
  }
  MemorySources sources() {
    MemorySources s;
    s.proc = (folder.path / "proc").string();
    s.cgroup = (folder.path / "cgroup").string();
    s.clock = [this] { return now; };
    return s;
  }
  std::string look(double percent = 3) { return MemoryWatch(percent, c10::kCPU, sources()).look(); }

  TempFolder folder;
  double now = 0;
};

}  // namespace

TEST_CASE("memory is short when the machine has less left than the threshold", "[memory]") {
  Machine m;
  CHECK(m.look() == "");
  m.meminfo(480000);
  CHECK(m.look() == "");  // 3 % is enough
  m.meminfo(479999);
  CHECK(m.look() == "MemAvailable is 468.7 MiB of 15.3 GiB (3.0 %)");
  CHECK(m.look(0) == "");
  CHECK(m.look(2) == "");
}

TEST_CASE("memory is short when our control group, or one around it, nears its limit", "[memory]") {
  const std::string path = GENERATE("/outer/inner", "/outer", "");
  const char* const limit = GENERATE("memory.max", "memory.high");
  Machine m;
  m.group(path, 965, 0, limit);
  CHECK(m.look() == "");
  m.group(path, 980, 0, limit);
  CHECK_THAT(m.look(), Contains("cgroup" + path + "/" + limit + " is 20.0 MiB of 1000.0 MiB (2.0 %)"));
  m.group(path, 1000, 200, limit);  // cached files make room
  CHECK(m.look() == "");
  m.group(path, 1100, 0, limit);
  CHECK_THAT(m.look(), Contains("(0.0 %)"));
}

TEST_CASE("the limit of another control group is none of ours", "[memory]") {
  Machine m;
  m.group("/other", 999, 0);
  CHECK(m.look() == "");
  m.group("/outer", 999, 0);
  m.write("proc/self/cgroup", "0::/../outer\n");  // out of our sight
  CHECK(m.look() == "");
}

TEST_CASE("memory is short when tasks wait for it a quarter of the time", "[memory]") {
  Machine m;
  m.write("proc/pressure/memory", "some avg10=24.99 avg60=0.00 avg300=0.00 total=5\n");
  CHECK(m.look() == "");
  m.write("proc/pressure/memory", "some avg10=31.20 avg60=0.00 avg300=0.00 total=5\n");
  CHECK(m.look() == "tasks wait for memory 31.2 % of the time");
}

TEST_CASE("memory of a GPU is looked at where training runs on it, with the allocator's cache as free", "[memory]") {
  Machine m;
  MemorySources s = m.sources();
  int64_t available = 40;
  s.device_memory = [&](c10::Device) { return DeviceMemory{1000, 1000, available}; };
  const c10::Device gpu(c10::kCUDA, 0);
  CHECK(MemoryWatch(3, gpu, s).look() == "");
  available = 20;
  CHECK_THAT(MemoryWatch(3, gpu, s).look(), Contains("free memory of cuda:0 is") && Contains("(2.0 %)"));
  CHECK(MemoryWatch(3, c10::kCPU, s).look() == "");
}

TEST_CASE("files that are missing or unreadable mean enough memory", "[memory]") {
  Machine m;
  for (const char* file : {"proc/meminfo", "proc/pressure/memory", "proc/self/cgroup", "cgroup/memory.max"})
    m.write(file, GENERATE("", "MemAvailable:\nMemTotal: x", "-", "some avg10=", "\n\n0::", "0::/outer/in\0ner"));
  CHECK(m.look() == "");
  MemorySources nothing;
  nothing.proc = nothing.cgroup = "/nonexistent";
  CHECK(MemoryWatch(3, c10::kCPU, nothing).look() == "");
}

TEST_CASE("it looks four times a second, and not for ten minutes after it found something", "[memory]") {
  Machine m;
  MemoryWatch watch(3, c10::kCPU, m.sources());
  CHECK(watch.look() == "");
  m.meminfo(1000);
  m.now = 0.249;
  CHECK(watch.look() == "");
  m.now = 0.25;
  CHECK(watch.look() != "");
  m.now = 600;
  CHECK(watch.look() == "");
  m.now = 600.25;
  CHECK(watch.look() != "");
}

TEST_CASE("a run whose memory is short saves once, says what it found, and goes on", "[memory]") {
  Machine m;
  TrainOptions o = short_run();
  o.eval_interval = 0;  // no other checkpoint before the end
  Rig rig(o);
  rig.memory = m.sources();
  rig.act = [&](const Record& r) {
    if (r.event != Event::step_ended) return;
    m.now += 1;
    if (r.step == 5) m.meminfo(1000);
  };
  CHECK(rig.run() == StageEnd::finished);
  REQUIRE(rig.saves.size() == 2);
  CHECK(rig.saves[0] == std::pair<int64_t, bool>{5, false});
  CHECK(rig.saves[1].first == 12);
  REQUIRE(rig.host.lines.size() == 1);
  CHECK(rig.host.lines[0] ==
        "memory is short: MemAvailable is 1.0 MiB of 15.3 GiB (0.0 %); a checkpoint of step 5 is saved and training goes on");
}

TEST_CASE("a checkpoint that is there already is not saved for want of memory", "[memory]") {
  Machine m;
  m.meminfo(1000);
  TrainOptions o = short_run();
  o.checkpoint_interval = 1;
  Rig rig(o);
  rig.memory = m.sources();
  rig.run();
  CHECK(rig.host.lines.empty());
  o.checkpoint_interval = 0;
  o.emergency_free_percent = 0;
  Rig off(o);
  off.memory = m.sources();
  off.run();
  CHECK(off.host.lines.empty());
}

TEST_CASE("a save for want of memory that fails for want of disk is told, and training goes on", "[memory]") {
  Machine m;
  m.meminfo(1000);
  TrainOptions o = short_run();
  o.eval_interval = 0;
  Rig rig(o);
  rig.memory = m.sources();
  rig.refuse_saves = 1;
  CHECK(rig.run() == StageEnd::finished);
  REQUIRE(rig.host.lines.size() == 2);
  CHECK_THAT(rig.host.lines[1], Contains("could not be saved") && Contains("no space"));
}
