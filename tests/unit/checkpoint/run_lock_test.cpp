#include "core/checkpoint/run_lock.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "gptcore/error.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

// A child that takes the lock and holds it until it is killed.
struct Holder {
  explicit Holder(const std::filesystem::path& run) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    pid = ::fork();
    if (pid == 0) {
      const RunLock lock(run);
      if (::write(ready[1], "x", 1) == 1) ::pause();
      ::_exit(0);
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  void kill() {
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    pid = 0;
  }
  ~Holder() { kill(); }
  pid_t pid = 0;
};

std::optional<Error> try_lock(const std::filesystem::path& run) {
  try {
    const RunLock lock(run);
    return std::nullopt;
  } catch (const Error& e) {
    return e;
  }
}

}  // namespace

TEST_CASE("a second process is told who holds the run, and takes over when that one is killed") {
  const TempFolder run;
  Holder holder(run.path);
  const auto refused = try_lock(run.path);
  REQUIRE(refused);
  CHECK(refused->code() == Code::run_locked);
  CHECK(
      std::string(refused->what()).starts_with("the run folder is locked by pid " + std::to_string(holder.pid) + " on host "));
  CHECK(std::string(refused->what()).find(" since 20") != std::string::npos);
  CHECK(refused->where() == run.path.string());
  holder.kill();
  CHECK_FALSE(try_lock(run.path));
  CHECK(read_raw(run.path / "run.lock").starts_with("pid " + std::to_string(::getpid()) + "\nhost "));
}

TEST_CASE("the lock is free again when its owner lets go, and can be moved") {
  const TempFolder run;
  std::optional<RunLock> lock(run.path);
  RunLock moved(std::move(*lock));
  lock.reset();
  CHECK(try_lock(run.path));
  const TempFolder other;
  moved = RunLock(other.path);
  CHECK_FALSE(try_lock(run.path));
  CHECK(try_lock(other.path));
}

TEST_CASE("a lock file that says nothing useful is still a lock") {
  const TempFolder run;
  const RunLock lock(run.path);
  write_raw(run.path / "run.lock", "");
  REQUIRE(try_lock(run.path));
  CHECK(std::string(try_lock(run.path)->what()) == "the run folder is locked by another process");
}

TEST_CASE("locking where there is no folder is an error about that") {
  const auto error = try_lock("/nowhere/at/all");
  REQUIRE(error);
  CHECK(error->code() == Code::io);
}
