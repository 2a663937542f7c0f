// Assertions, which this file has switched on in every build.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

#include "tests/catch.h"

#undef NDEBUG
#include "core/base/assert.h"

namespace {

void assert_positive(int number) {
  GPTCORE_ASSERT(number > 0, "the number is positive");
}

// Runs `call` in a child process; returns the signal that ended it, and puts what it printed into `said`.
template <class F> int signal_of(F&& call, std::string& said) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);
    ::dup2(ends[1], STDERR_FILENO);
    call();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::array<char, 256> bytes{};
  for (ssize_t got = 0; (got = ::read(ends[0], bytes.data(), bytes.size())) > 0;) said.append(bytes.data(), got);
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("an assertion that does not hold ends the program with its sentence, one that holds does nothing") {
  std::string said;
  CHECK(signal_of([] { assert_positive(1); }, said) == 0);
  CHECK(said.empty());
  CHECK(signal_of([] { assert_positive(-1); }, said) == SIGABRT);
  CHECK_THAT(said, Catch::Contains("assertion failed: the number is positive (number > 0)"));
}
