#include "core/checkpoint/run_folder.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "gptcore/error.h"
#include "tests/unit/base/fault_file_system.h"
#include "tests/unit/base/memory_file_system.h"
#include "tests/unit/base/temp_folder.h"
#include "tests/unit/checkpoint/sample_checkpoint.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

struct Fixture {
  void publish(int64_t step, const std::string& name = "run") {
    CheckpointStore(*files, folder.path / name).publish(step, SampleCheckpoint(step).parts());
  }
  // The step it starts from; -1 for a fresh start.
  int64_t start(const std::string& resume, bool overwrite = false) {
    const RunFolder opened = open_run_folder(*files, run, resume, overwrite);
    return opened.resume_from ? opened.resume_from->step() : -1;
  }
  Error refusal(const std::string& resume, bool overwrite = false) {
    try {
      start(resume, overwrite);
    } catch (const Error& e) {
      return e;
    }
    return {Code::usage, "no error"};
  }

  TempFolder folder;
  std::filesystem::path run = folder.path / "run";
  std::unique_ptr<FileSystem> files = posix_file_system();
};

}  // namespace

TEST_CASE("a new run starts fresh, in a folder made for it") {
  Fixture f;
  CHECK(f.start("auto") == -1);
  CHECK(names_in(*f.files, f.run) == std::vector<std::string>{"run.lock"});
  CHECK(f.start("never") == -1);
  CHECK(f.start("auto", true) == -1);
}

TEST_CASE("what a process left that was killed while it tried the folder is gone after the next start") {
  Fixture f;
  std::filesystem::create_directories(f.run);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  const std::string dead = ".probe-" + std::to_string(child), alive = ".probe-" + std::to_string(::getppid());
  for (const std::string& name : {dead, dead + "-renamed", alive}) f.files->create(f.run / name);
  CHECK(f.start("auto") == -1);
  CHECK(names_in(*f.files, f.run) == std::vector<std::string>{alive, "run.lock"});
}

TEST_CASE("auto continues from the newest checkpoint") {
  Fixture f;
  f.publish(1);
  f.publish(2);
  CHECK(f.start("auto") == 2);
}

TEST_CASE("never refuses to write over a run, and says what is there and the three ways on") {
  Fixture f;
  f.publish(1);
  f.publish(2);
  const Error e = f.refusal("never");
  CHECK(e.code() == Code::run_exists);
  CHECK(e.line() ==
        f.run.string() +
            ": error[GC503]: the folder already holds a run with 2 checkpoints, the newest step-000000002; continue it "
            "without --resume, move it aside with --overwrite, or give this run another run.name");
}

TEST_CASE("overwrite moves the run aside, each time to a new place") {
  Fixture f;
  for (int n = 1; n <= 2; ++n) {
    f.publish(n);
    CHECK(f.start("auto", true) == -1);
    CHECK(open_checkpoint(*f.files, f.run.string() + ".old-" + std::to_string(n)).step() == n);
  }
  CHECK_FALSE(holds_run(*f.files, f.run));
}

TEST_CASE(
    "results or metrics alone are a run: never refuses, overwrite moves aside, a checkpoint from elsewhere adds to them") {
  for (const char* left : {"progress.json", "metrics.jsonl"}) {
    Fixture f;
    f.publish(5, "other");
    f.start("auto");
    write_raw(f.run / left, "{}");
    CHECK(f.refusal("never").code() == Code::run_exists);
    CHECK(f.start("auto") == -1);
    CHECK(f.start((f.folder.path / "other").string()) == 5);
    CHECK(f.start("auto", true) == -1);
    CHECK(read_raw(f.run.string() + ".old-1/" + left) == "{}");
    CHECK_FALSE(holds_run(*f.files, f.run));
  }
}

TEST_CASE("a run whose checkpoints are all damaged is neither continued nor written over") {
  Fixture f;
  f.publish(1);
  write_raw(f.run / "ckpt" / "step-000000001" / "state.json", "{}");
  CHECK(f.refusal("auto").code() == Code::checkpoint_corrupt);
  CHECK(f.refusal("never").code() == Code::run_exists);
  CHECK(f.start("auto", true) == -1);
}

TEST_CASE("a new run may start from another run's checkpoint") {
  Fixture f;
  f.publish(5, "other");
  CHECK(f.start((f.folder.path / "other").string()) == 5);
  CHECK(f.start((f.folder.path / "other" / "ckpt" / "step-000000005").string()) == 5);
  f.publish(1);
  CHECK(f.refusal((f.folder.path / "other").string()).code() == Code::run_exists);
  CHECK(f.start((f.folder.path / "other").string(), true) == 5);
}

TEST_CASE("a run's own checkpoint is continued from when it is the newest, never to write over later ones") {
  Fixture f;
  f.publish(1);
  f.publish(2);
  CHECK(f.start(f.run.string()) == 2);
  CHECK(f.start((f.run / "ckpt" / "step-000000002").string()) == 2);
  CHECK(f.refusal((f.run / "ckpt" / "step-000000001").string()).code() == Code::run_exists);
  CHECK(f.refusal(f.run.string(), true).code() == Code::conflict);
  CHECK(list_steps(*f.files, f.run / "ckpt").size() == 2);
}

TEST_CASE("a run's own checkpoint is its own by another path, too") {
  Fixture f;
  f.publish(1);
  f.publish(2);
  const std::filesystem::path link = f.folder.path / "link";
  std::filesystem::create_directory_symlink(f.folder.path, link);
  const std::filesystem::path newest = "ckpt/step-000000002";
  SECTION("given through a link") {
    CHECK(f.refusal((link / "run").string(), true).code() == Code::conflict);
    CHECK(f.refusal((link / "run" / newest).string(), true).code() == Code::conflict);
    CHECK(f.start((link / "run").string()) == 2);
    CHECK(f.start((link / "run" / newest).string()) == 2);
  }
  SECTION("given by a link to the checkpoint itself") {
    std::filesystem::create_directory_symlink(f.run / newest, f.folder.path / "good");
    CHECK(f.refusal((f.folder.path / "good").string(), true).code() == Code::conflict);
    CHECK(f.start((f.folder.path / "good").string()) == 2);
  }
  SECTION("where the run's folder is named through a link") {
    const std::filesystem::path real = f.run;
    f.run = link / "run";
    CHECK(f.refusal(real.string(), true).code() == Code::conflict);
    CHECK(f.start(real.string()) == 2);
  }
  CHECK(list_steps(*f.files, f.run / "ckpt").size() == 2);
  CHECK_FALSE(std::filesystem::exists(f.folder.path / "run.old-1"));
}

TEST_CASE("a missing or damaged checkpoint to resume from is found before any folder is made") {
  Fixture f;
  CHECK(f.refusal((f.folder.path / "none").string()).code() == Code::checkpoint_missing);
  f.publish(5, "other");
  write_raw(f.folder.path / "other" / "ckpt" / "step-000000005" / "state.json", "{}");
  CHECK(f.refusal((f.folder.path / "other").string()).code() == Code::checkpoint_corrupt);
  CHECK(f.files->kind(f.run) == FileKind::absent);
}

TEST_CASE("a run that is going on is left alone") {
  Fixture f;
  f.publish(1);
  const RunLock lock(f.run);
  CHECK(f.refusal("auto").code() == Code::run_locked);
  CHECK(f.refusal("auto", true).code() == Code::run_locked);
  CHECK(list_steps(*f.files, f.run / "ckpt").size() == 1);
}

TEST_CASE("a file in the way of the run folder is named") {
  Fixture f;
  write_raw(f.run, "");
  CHECK(f.refusal("auto").code() == Code::io);
  CHECK(f.refusal("auto").where() == f.run.string());
  f.run /= "below";
  CHECK(f.refusal("auto").code() == Code::io);
}

TEST_CASE("a folder that cannot be written in is refused with the reason, and none is left half made") {
  for (const int error : {EROFS, ENOSPC}) {
    for (int call = 1;; ++call) {
      MemoryFileSystem memory;
      FaultFileSystem faults(memory);
      faults.plan(call, FaultFileSystem::Fault::fail_once, error);
      try {
        prepare_run_folder(faults, "/runs/a");
      } catch (const Error& e) {
        CHECK(e.code() == (error == ENOSPC ? Code::disk_full : Code::io));
        CHECK(memory.list("/").empty());
      }
      if (faults.struck()) continue;
      CHECK(names_in(memory, "/runs") == std::vector<std::string>{"a"});
      CHECK(names_in(memory, "/runs/a").empty());
      break;
    }
  }
}

TEST_CASE("a refused folder that was there before stays") {
  MemoryFileSystem memory;
  make_directories(memory, "/runs/a");
  FaultFileSystem faults(memory);
  faults.plan(1, FaultFileSystem::Fault::fail_onward, EROFS);
  CHECK_THROWS_AS(prepare_run_folder(faults, "/runs/a"), Error);
  CHECK(names_in(memory, "/runs") == std::vector<std::string>{"a"});
}
