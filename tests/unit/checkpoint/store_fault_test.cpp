// What is left of a run's checkpoints when publishing is cut off, fails or loses power at any single call.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "core/checkpoint/store.h"
#include "gptcore/error.h"
#include "tests/unit/base/fault_file_system.h"
#include "tests/unit/base/memory_file_system.h"
#include "tests/unit/base/temp_folder.h"
#include "tests/unit/checkpoint/sample_checkpoint.h"

#include "tests/catch.h"

using namespace gptcore;
using Fault = FaultFileSystem::Fault;

namespace {

const std::filesystem::path kRun = "/run";
const std::filesystem::path kFolder = "/run/ckpt";

void publish(FileSystem& files, const std::filesystem::path& run, int64_t step, bool best = false) {
  CheckpointStore(files, run, {1, 0, {}}).publish(step, SampleCheckpoint(step).parts(), best);
}

int64_t latest(FileSystem& files, const std::filesystem::path& run) {
  const auto found = CheckpointStore(files, run, {1, 0, {}}).find_latest();
  if (found) CHECK(is_sample(files, *found));
  return found ? found->step() : -1;
}

bool any_hidden(FileSystem& files, const std::filesystem::path& folder) {
  for (const std::string& name : names_in(files, folder)) {
    if (name.starts_with(".") || name.ends_with(".tmp")) return true;
  }
  return false;
}

// Publishes 2 (or 1 again) after 1 with the chosen call failing; true once the plan lies behind the last call.
bool fail_at(int call, Fault fault, int error, int64_t step, bool can_exchange) {
  MemoryFileSystem memory;
  publish(memory, kRun, 1);
  FaultFileSystem faults(memory);
  faults.can_exchange = can_exchange;
  CheckpointStore store(faults, kRun, {1, 0, {}});
  faults.plan(call, fault, error);
  bool failed = false;
  try {
    store.publish(step, SampleCheckpoint(step).parts(), true);
  } catch (const Error& e) {
    failed = true;
    CHECK(e.code() == (error == ENOSPC ? Code::disk_full : Code::io));
    CHECK(std::string(e.what()).find("'/run") != std::string::npos);
  }
  const auto steps = list_steps(memory, kFolder);
  REQUIRE_FALSE(steps.empty());
  for (const int64_t found : steps) CHECK(is_sample(memory, verify_checkpoint(memory, kFolder / step_name(found))));
  // Replacing keeps what was replaced until the flush, and leaves it when that fails.
  if (fault == Fault::fail_once && failed && step != 1) CHECK_FALSE(any_hidden(memory, kFolder));
  if (!failed) CHECK(steps.front() == step);
  const bool over = !faults.struck();
  CHECK(latest(memory, kRun) == steps.front());
  return over;
}

}  // namespace

TEST_CASE("whichever single call of a publish fails, a whole checkpoint is found and no temporary one is left") {
  for (const Fault fault : {Fault::fail_once, Fault::fail_onward}) {
    for (const int error : {ENOSPC, EIO}) {
      int call = 1;
      while (!fail_at(call, fault, error, 2, true)) ++call;
      CHECK(call > 30);
    }
  }
}

TEST_CASE("replacing a step never leaves the run without a checkpoint") {
  for (const Fault fault : {Fault::fail_once, Fault::fail_onward}) {
    int call = 1;
    while (!fail_at(call, fault, EIO, 1, true)) ++call;
    CHECK(call > 30);
  }
}

TEST_CASE("without exchange, a failure while replacing puts the old one back") {
  int call = 1;
  while (!fail_at(call, Fault::fail_once, EIO, 1, false)) ++call;
  CHECK(call > 30);
}

TEST_CASE("a full disk found out while writing is told with what was needed and free") {
  MemoryFileSystem memory;
  FaultFileSystem faults(memory);
  CheckpointStore store(faults, kRun);
  faults.plan(16, Fault::fail_once, ENOSPC);
  try {
    store.publish(2, SampleCheckpoint(2).parts());
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(e.code() == Code::disk_full);
    CHECK(std::string(e.what()).find("No space left on device; saving step 2 needs 4.0 MiB in '/run/ckpt', where") !=
          std::string::npos);
  }
}

TEST_CASE("whatever fails while looking for the latest, the run is never taken for a new one") {
  for (int call = 1;; ++call) {
    MemoryFileSystem memory;
    publish(memory, kRun, 1);
    FaultFileSystem faults(memory);
    CheckpointStore store(faults, kRun);
    faults.plan(call, Fault::fail_once, EIO);
    try {
      const auto found = store.find_latest();
      REQUIRE(found);
      CHECK(found->step() == 1);
    } catch (const Error& e) {
      CHECK(e.code() == Code::io);
    }
    CHECK(names_in(memory, kFolder) == std::vector<std::string>{"LATEST", "step-000000001"});
    if (!faults.struck()) break;
  }
}

namespace {

struct Published {
  int64_t step;
  std::string model;
  bool best;
};

void publish(FileSystem& files, const Published& p) {
  CheckpointStore(files, kRun, {1, 0, {}}).publish(p.step, {{"state.json", p.model}}, p.best);
}

// The models that the newest and the best checkpoint hold.
std::pair<std::string, std::string> newest_and_best(FileSystem& files) {
  const auto newest = CheckpointStore(files, kRun, {1, 0, {}}).find_latest();
  const std::string best = open_checkpoint(files, kRun, Pick::best).text(files, "state.json");
  return {newest ? newest->text(files, "state.json") : "none", best};
}

// The model of the checkpoint that BEST names; "none" when it names none.
std::string best_as_named(FileSystem& files) {
  const auto name = read_hint(files, kFolder, "BEST");
  return name ? verify_checkpoint(files, kFolder / *name).text(files, "state.json") : "none";
}

}  // namespace

TEST_CASE("a kill at any call of a publish loses neither the newest nor the best checkpoint") {
  const auto publishes = GENERATE(values<std::vector<Published>>({
      {{1, "a", true}, {2, "b", false}},
      {{1, "a", true}, {2, "b", true}},
      {{1, "a", true}, {1, "b", false}},
      {{1, "a", true}, {1, "b", true}},
      {{1, "a", false}, {1, "b", true}},
      {{1, "a", true}, {1, "b", false}, {1, "c", false}},
      {{1, "a", true}, {1, "b", false}, {1, "c", true}},
      {{1, "a", true}, {1, "b", false}, {1, "c", true}, {1, "d", false}},
      {{1, "a", true}, {1, "b", false}, {2, "c", false}},
  }));
  const bool can_exchange = GENERATE(true, false);
  const Published& last = publishes.back();
  for (int call = 1;; ++call) {
    CAPTURE(publishes.size(), last.step, last.model, can_exchange, call);
    MemoryFileSystem memory;
    FaultFileSystem faults(memory);
    faults.can_exchange = can_exchange;
    for (size_t i = 0; i + 1 < publishes.size(); ++i) publish(faults, publishes[i]);
    const auto before = newest_and_best(memory);
    faults.plan(call, Fault::fail_onward, EIO);
    try {
      publish(faults, last);
    } catch (const Error&) {
    }
    const auto [newest, best] = newest_and_best(memory);
    CHECK((newest == before.first || newest == last.model));
    CHECK((best == before.second || (best == last.model && last.best)));
    publish(memory, {9, "later", false});
    for (const std::string& name : names_in(memory, kFolder))
      CHECK_FALSE((name.starts_with(".tmp-") || name.starts_with(".old-")));
    const bool marked = publishes.front().best || best == last.model;  // else the newest stands in for it
    CHECK(newest_and_best(memory) == std::pair<std::string, std::string>("later", marked ? best : "later"));
    if (!faults.struck()) {
      CHECK(newest == last.model);
      if (last.best) CHECK(best == last.model);
      break;
    }
  }
}

TEST_CASE("a new start after a kill at any call of a publish names the best model and keeps what an uninterrupted run keeps") {
  const auto publishes = GENERATE(values<std::vector<Published>>({
      {{1, "a", true}, {2, "b", true}},
      {{1, "a", true}, {2, "b", false}},
      {{1, "a", true}, {1, "b", false}},
      {{1, "a", false}, {1, "b", true}},
      {{1, "a", true}, {1, "b", false}, {1, "c", true}},
      {{1, "a", true}, {2, "b", true}, {2, "c", false}},
      {{1, "a", true}, {2, "b", false}, {3, "c", true}},
  }));
  const bool can_exchange = GENERATE(true, false);
  const Published later{9, "later", false};
  const auto left = [](FileSystem& files) { return std::pair(names_in(files, kFolder), best_as_named(files)); };
  MemoryFileSystem whole;
  for (const Published& p : publishes) publish(whole, p);
  publish(whole, later);
  bool over = false;
  for (int call = 1; !over; ++call) {
    CAPTURE(publishes.size(), publishes.back().model, can_exchange, call);
    MemoryFileSystem memory;
    FaultFileSystem faults(memory);
    faults.can_exchange = can_exchange;
    for (size_t i = 0; i + 1 < publishes.size(); ++i) publish(faults, publishes[i]);
    faults.plan(call, Fault::fail_onward, EIO);
    try {
      publish(faults, publishes.back());
    } catch (const Error&) {
    }
    over = !faults.struck();
    const auto newest = CheckpointStore(memory, kRun, {1, 0, {}}).find_latest();
    CHECK_FALSE(any_hidden(memory, kFolder));
    if (const auto best = find_best(memory, kFolder)) CHECK(read_hint(memory, kFolder, "BEST") == best);
    REQUIRE(newest);
    if (newest->text(memory, "state.json") != publishes.back().model) publish(memory, publishes.back());
    publish(memory, later);
    CHECK(left(memory) == left(whole));
  }
}

TEST_CASE("a kill at any moment of going back leaves the best model of the checkpoint that is gone on from") {
  const bool can_exchange = GENERATE(true, false), best_is_newest = GENERATE(true, false);
  const auto go_back = [](FileSystem& files) {
    CheckpointStore store(files, kRun, {1, 0, {}});
    store.keep({1});
    store.make_best(1);
    store.publish(1, {{"state.json", std::string("back")}});
    store.keep_only(0, 1);
  };
  bool over = false;
  for (int call = 1; !over; ++call) {
    CAPTURE(can_exchange, best_is_newest, call);
    MemoryFileSystem memory;
    FaultFileSystem faults(memory);
    faults.can_exchange = can_exchange;
    CheckpointStore store(faults, kRun, {1, 0, {}});
    store.keep({1});
    store.publish(1, {{"state.json", std::string("old best")}}, true);
    store.publish(2, {{"state.json", std::string("undone best")}}, true);
    if (!best_is_newest) store.publish(3, {{"state.json", std::string("undone")}});
    faults.plan(call, Fault::fail_onward, EIO);
    try {
      go_back(faults);
    } catch (const Error&) {
    }
    over = !faults.struck();
    const auto [newest, best] = newest_and_best(memory);
    CHECK(best == (newest == "back" ? "old best" : "undone best"));
    CHECK(best_as_named(memory) == best);
    CHECK_FALSE(any_hidden(memory, kFolder));
    if (newest == "back")
      CHECK(names_in(memory, kFolder) == std::vector<std::string>{"BEST", "LATEST", "best-000000001", "step-000000001"});
  }
}

TEST_CASE("after a power loss at any flush the old or the new checkpoint is there, whole") {
  const int64_t next = GENERATE(2, 1);  // 1: replaced by itself
  std::mt19937 random(7);
  MemoryFileSystem memory;
  memory.make_directory(kRun);
  memory.sync_directory("/");
  publish(memory, kRun, 1);
  int flushes = 0;
  memory.before_sync = [&] {
    ++flushes;
    for (int i = 0; i < 40; ++i) {
      const auto image = memory.after_power_loss(i == 0 ? nullptr : &random);
      const int64_t found = latest(*image, kRun);
      CHECK((found == 1 || found == next));
      publish(*image, kRun, 3);  // and the run goes on
      CHECK(latest(*image, kRun) == 3);
    }
  };
  publish(memory, kRun, next, true);
  CHECK(flushes >= 10);
  memory.before_sync = nullptr;
  CHECK(latest(*memory.after_power_loss(), kRun) == next);
}

TEST_CASE("a first checkpoint is lost whole or not at all") {
  std::mt19937 random(8);
  MemoryFileSystem memory;
  memory.make_directory(kRun);
  memory.sync_directory("/");
  memory.before_sync = [&] {
    for (int i = 0; i < 40; ++i) {
      const int64_t found = latest(*memory.after_power_loss(i == 0 ? nullptr : &random), kRun);
      CHECK((found == -1 || found == 1));
    }
  };
  publish(memory, kRun, 1);
  memory.before_sync = nullptr;
  CHECK(latest(*memory.after_power_loss(), kRun) == 1);
}

TEST_CASE("a process killed at any call of a publish leaves a checkpoint to resume from") {
  const TempFolder folder;
  const auto disk = posix_file_system();
  FaultFileSystem files(*disk);
  files.flush = false;
  bool survived = false;
  int call = 1;
  for (; !survived; ++call) {
    const auto run = folder.path / std::to_string(call);
    publish(files, run, 1);
    const pid_t child = ::fork();
    if (child == 0) {
      files.plan(call, Fault::kill);
      publish(files, run, 2);
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    survived = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    const int64_t found = latest(files, run);
    CHECK((found == 2 || (found == 1 && !survived)));
    publish(files, run, 3);
    CHECK(latest(files, run) == 3);
    CHECK(names_in(files, run / "ckpt") == std::vector<std::string>{"LATEST", "step-000000003"});
  }
  CHECK(call > 30);
}
