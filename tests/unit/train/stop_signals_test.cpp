// What signals do to a process, each case in a child of its own.
#include "core/train/stop_signals.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "core/base/message.h"
#include "core/plugin/breadcrumb.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

struct End {
  int status = 0;  // 128 + N: signal N ended it
  std::string err;
};

End end_of(const std::function<void()>& work) {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDERR_FILENO);
    ::close(pipe[1]);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) ::signal(signal, SIG_DFL);  // however the tests were started
    work();
    ::_exit(0);
  }
  ::close(pipe[1]);
  End end;
  char text[4096];
  for (ssize_t size; (size = ::read(pipe[0], text, sizeof text)) > 0;) end.err.append(text, static_cast<size_t>(size));
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return end;
}

void wait_for_another_request() {
  ::usleep(static_cast<useconds_t>(1e6 * StopSignals::kOneRequest + 1e5));
}

// The end by a signal that comes long after the first one.
End end_by_second(int second, int64_t done, int64_t saved) {
  return end_of([=] {
    const StopSignals signals;
    StopSignals::note_updates(done, saved);
    ::raise(SIGINT);
    wait_for_another_request();
    ::raise(second);
  });
}

}  // namespace

TEST_CASE("a second signal ends the process, and only where nothing is lost by the status of a saved run", "[signals]") {
  struct Case {
    int second;
    int64_t done, saved;
    int status;
    std::string line;
  };
  const auto c =
      GENERATE(Case{SIGINT, 812, 750, 76,
                    "warning: stopped at once: updates 751 to 812 are not saved; the newest checkpoint is that of step 750"},
               Case{SIGTERM, 12, -1, 76, "warning: stopped at once: updates 1 to 12 are lost, for there is no checkpoint yet"},
               Case{SIGUSR1, -1, -1, 76, "warning: stopped at once: what was not saved yet is lost"},
               Case{SIGINT, 750, 750, 130, "stopped at once: all updates are saved"},
               Case{SIGTERM, 750, 750, 75, "stopped at once: all updates are saved"},
               Case{SIGINT, 0, -1, 130, "stopped at once: all updates are saved"});
  const End end = end_by_second(c.second, c.done, c.saved);
  CHECK(end.err == "gptcore: " + c.line + "\n");
  CHECK(end.status == c.status);
}

TEST_CASE("signals at once are one request", "[signals]") {
  const End end = end_of([] {
    const StopSignals signals;
    ::raise(SIGTERM);
    ::raise(SIGINT);
    ::raise(SIGTERM);
    ::_exit(StopSignals::exit_code_of(StopSignals::received()));
  });
  CHECK(end.status == 75);
  CHECK(end.err.empty());
}

TEST_CASE("a terminal that goes away asks for a save, and cuts none short", "[signals]") {
  const int first = GENERATE(SIGINT, SIGHUP);
  const End end = end_of([first] {
    const StopSignals signals;
    ::raise(first);
    wait_for_another_request();
    ::raise(SIGHUP);
    ::_exit(StopSignals::exit_code_of(StopSignals::received()));
  });
  CHECK(end.err.empty());
  CHECK(end.status == (first == SIGINT ? 130 : 75));
}

TEST_CASE("a signal that is ignored, as SIGHUP under nohup and SIGINT in a script's background, stays so", "[signals]") {
  const int ignored = GENERATE(SIGHUP, SIGINT, SIGTERM, SIGUSR1);
  const End end = end_of([ignored] {
    ::signal(ignored, SIG_IGN);
    {
      const StopSignals signals(FirstSignal::ends);
      ::raise(ignored);
    }
    ::raise(ignored);
    ::_exit(StopSignals::received() == 0 ? 3 : 4);
  });
  CHECK(end.err.empty());
  CHECK(end.status == 3);
}

TEST_CASE("before there is work to save, the first signal ends the process and names the call it ends", "[signals]") {
  const auto [signal, status] = GENERATE(table<int, int>({{SIGINT, 130}, {SIGTERM, 75}, {SIGUSR1, 75}, {SIGHUP, 75}}));
  const End end = end_of([s = signal] {
    set_breadcrumb_place(-1, 0);  // which a loop of another case may have set
    const StopSignals signals(FirstSignal::ends);
    const Breadcrumb inside(lasting({"slow", "dataset", "books", ""}), "open");
    ::raise(s);
  });
  CHECK(end.status == status);
  CHECK(end.err ==
        "gptcore: stopped before the first update, in plugin 'slow', dataset 'books', in open(): the run is as it was\n");
}

TEST_CASE("from note_first() on the first signal is noted", "[signals]") {
  const End end = end_of([] {
    StopSignals signals(FirstSignal::ends);
    signals.note_first();
    ::raise(SIGUSR1);
    ::_exit(StopSignals::received() == SIGUSR1 ? 3 : 4);
  });
  CHECK(end.status == 3);
}

TEST_CASE("the line of a sudden end follows --error-format", "[signals]") {
  const End end = end_of([] {
    ::setenv(kErrorFormatVariable, "json", 1);
    const StopSignals signals(FirstSignal::ends);
    ::raise(SIGINT);
  });
  CHECK(end.err == R"({"level":"info","message":"stopped before the first update: the run is as it was"})"
                   "\n");
}

TEST_CASE("without an object signals do what they did before", "[signals]") {
  const End end = end_of([] {
    ::signal(SIGTERM, [](int) { ::_exit(5); });
    { const StopSignals signals; }
    ::raise(SIGTERM);
  });
  CHECK(end.status == 5);
}
