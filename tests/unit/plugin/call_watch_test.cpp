#include "core/plugin/call_watch.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/plugin/breadcrumb.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

const Callee& callee() {
  return lasting({"slow", "dataset", "slow", "/x/slow.so"});
}

void sleep(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// What a watch with short limits says.
struct Watched {
  explicit Watched(double seconds = 0.1) : limits{seconds, 0.05, 0.01} {}

  CallLimits limits;
  std::mutex mutex;
  std::vector<std::string> said;
  std::atomic<bool> stopping{false};
  CallWatch watch{[this](Level, const std::string& text) {
                    const std::lock_guard lock(mutex);
                    said.push_back(text);
                  },
                  [this] { return stopping.load(); }, limits};

  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex);
    return said;
  }
  // Waits until there are so many lines, 10 s at most.
  void wait_for(size_t count) {
    for (int i = 0; i < 1000 && lines().size() < count; ++i) sleep(0.01);
    REQUIRE(lines().size() == count);
  }
};

}  // namespace

TEST_CASE("a call that does not return is named once") {
  Watched w;
  const Breadcrumb inside(callee(), "batch");
  w.wait_for(1);
  CHECK(w.lines()[0] == "plugin 'slow', dataset 'slow', in batch() has not returned for 0.1 s");
  sleep(0.3);
  CHECK(w.lines().size() == 1);
}

TEST_CASE("of nested calls the one that does not return is named") {
  Watched w;
  const Breadcrumb outer(callee(), "open");
  {
    const Breadcrumb inner(lasting({"slow", "tokenizer", "inner", ""}), "encode");
    w.wait_for(1);
  }
  CHECK_THAT(w.lines()[0], Contains("tokenizer 'inner', in encode()"));
}

TEST_CASE("calls that return are not named, however many") {
  Watched w(0.5);
  for (int i = 0; i < 30; ++i) {
    const Breadcrumb inside(callee(), "batch");
    sleep(0.02);
  }
  CHECK(w.lines().empty());
}

TEST_CASE("time does not count while progress is shown") {
  Watched w(0.5);
  const Breadcrumb inside(callee(), "open");
  for (int i = 0; i < 60; ++i) {
    CallWatch::note_progress();
    sleep(0.01);
  }
  CHECK(w.lines().empty());
  w.wait_for(1);
}

TEST_CASE("once a method was named, the next call of it has twice the time") {
  Watched w;
  for (size_t i = 1; i <= 2; ++i) {
    const Breadcrumb inside(callee(), "evaluate");
    w.wait_for(i);
  }
  CHECK_THAT(w.lines()[1], Contains("for 0.2 s"));
}

TEST_CASE("when the user asks for an end, the call that the end waits for is named") {
  Watched w;
  const Breadcrumb inside(callee(), "plan");
  w.wait_for(1);
  w.stopping = true;
  w.wait_for(2);
  CHECK_THAT(w.lines()[1],
             Contains("the end waits for plugin 'slow', dataset 'slow', in plan() to return") && Contains("a second Ctrl-C"));
}
