#include "core/plugin/breadcrumb.h"

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "tests/catch.h"

using namespace gptcore;

namespace {

const Callee& callee(const char* item) {
  return lasting({"mine", "operation", item, "/x/mine.so"});
}

size_t count_calls() {
  std::array<PluginCall, 16> calls;
  return calls_in_progress(calls);
}

}  // namespace

TEST_CASE("a thread is in the innermost of its nested calls, and in none after them") {
  CHECK(current_call().callee == nullptr);
  {
    const Breadcrumb outer(callee("a"), "plan");
    const PluginCall first = current_call();
    {
      const Breadcrumb inner(callee("b"), "save");
      CHECK(described(current_call()) == "plugin 'mine', operation 'b', in save()");
      CHECK(count_calls() == 2);
    }
    CHECK(current_call().number == first.number);
    const Breadcrumb next(callee("b"), "save");
    CHECK(current_call().number != first.number);
  }
  CHECK(current_call().callee == nullptr);
  CHECK(count_calls() == 0);
}

TEST_CASE("equal callees are one, and last") {
  CHECK(&callee("a") == &callee("a"));
  CHECK(&callee("a") != &callee("b"));
  CHECK(described({&lasting({"mine", "", "", "/x/mine.so"}), "setup"}) == "plugin 'mine', in setup()");
}

TEST_CASE("a call's text names step and rank while training, and is cut where it does not fit") {
  set_breadcrumb_place(12, 0);
  const PluginCall call{&callee("a"), "plan"};
  CHECK(described(call) == "plugin 'mine', operation 'a', in plan(), step 12, rank 0");
  set_breadcrumb_place(-1, 0);
  std::array<char, 10> few{};
  CHECK(describe(call, few) == 9);
  CHECK(std::string(few.data()) == "plugin 'm");
}

TEST_CASE("calls deeper and threads more than there are places for are made all the same") {
  std::vector<std::unique_ptr<Breadcrumb>> nested;
  for (int i = 0; i < 20; ++i) nested.push_back(std::make_unique<Breadcrumb>(callee("deep"), "plan"));
  while (!nested.empty()) nested.pop_back();
  CHECK(count_calls() == 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 300; ++i) threads.emplace_back([] { const Breadcrumb inside(callee("wide"), "plan"); });
  for (std::thread& thread : threads) thread.join();
  CHECK(count_calls() == 0);
}

TEST_CASE("one thread sees the calls of another") {
  std::array<PluginCall, 4> calls;
  std::thread other([&] {
    const Breadcrumb inside(callee("elsewhere"), "plan");
    std::thread([&] { CHECK(calls_in_progress(calls) == 1); }).join();
  });
  other.join();
  CHECK(calls[0].callee == &callee("elsewhere"));
}
