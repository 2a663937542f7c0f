#include "core/plugin/child_process.h"

#include <chrono>
#include <csignal>

#include "tests/catch.h"

using namespace gptcore;

namespace {

ChildOutcome shell(const std::string& script, double seconds = 10) {
  return run_child({"/bin/sh", "-c", script}, [=](std::string_view) { return seconds; });
}

double seconds_of(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("a child's output, status and signal are told apart") {
  const ChildOutcome ends = shell("echo out; echo err >&2; cat; exit 3");
  CHECK(ends.started);
  CHECK(ends.out == "out\n");
  CHECK(ends.err == "err\n");
  CHECK(ends.status == 3);
  CHECK(ends.signal == 0);
  CHECK(shell("kill -SEGV $$").signal == SIGSEGV);
  CHECK(!run_child({"/no/such/program"}, [](std::string_view) { return 1.0; }).started);
}

TEST_CASE("a child that hangs is killed with all that it started") {
  ChildOutcome hangs;
  CHECK(seconds_of([&] { hangs = shell("sleep 30 & sleep 30; :", 0.2); }) < 5);
  CHECK(hangs.timed_out);
  CHECK(hangs.signal == SIGKILL);
}

TEST_CASE("a child that ended is not waited for because another holds its streams") {
  ChildOutcome ends;
  CHECK(seconds_of([&] { ends = shell("echo done; sleep 30 & exit 0", 8); }) < 5);
  CHECK(!ends.timed_out);
  CHECK(ends.out == "done\n");
}

TEST_CASE("a child that closes its streams and hangs is killed") {
  const ChildOutcome hangs = shell("exec >&- 2>&-; while :; do sleep 1; done", 0.2);
  CHECK(hangs.timed_out);
}

TEST_CASE("the time limit begins anew when the child says something") {
  const ChildOutcome slow =
      run_child({"/bin/sh", "-c", "for i in 1 2 3 4; do sleep 0.2; echo $i; done"}, [](std::string_view) { return 0.7; });
  CHECK(!slow.timed_out);
  CHECK(slow.out == "1\n2\n3\n4\n");
}

TEST_CASE("a flood of output is read to its end and cut") {
  const ChildOutcome flood = shell("head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2");
  CHECK(!flood.timed_out);
  CHECK(flood.status == 0);
  CHECK(flood.out.size() == flood.err.size());
  CHECK(flood.out.size() <= 1 << 17);
}
