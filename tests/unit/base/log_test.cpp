#include "core/base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "core/base/message.h"
#include "tests/unit/base/environment.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

// What `act` writes to standard error.
template <class F> std::string captured(F&& act) {
  const TempFolder folder;
  const auto path = folder.path / "stderr";
  const int saved = ::dup(STDERR_FILENO);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(file, STDERR_FILENO);
  act();
  ::dup2(saved, STDERR_FILENO);
  ::close(file);
  ::close(saved);
  return read_raw(path);
}

}  // namespace

TEST_CASE("a message is one line that says who speaks and how serious it is") {
  const std::string text = captured([] {
    Log log(Level::debug);
    log.write(Level::debug, "a");
    log.write(Level::info, "100% {} done");
    log.write(Level::warning, "c");
  });
  CHECK(text == "gptcore: debug: a\ngptcore: 100% {} done\ngptcore: warning: c\n");
}

TEST_CASE("under --error-format json a message is a JSON object") {
  const Environment json(kErrorFormatVariable, "json");
  CHECK(captured([] { Log().write(Level::warning, "a \"spike\""); }) ==
        "{\"level\":\"warning\",\"message\":\"a \\\"spike\\\"\"}\n");
}

TEST_CASE("messages below the least level are dropped") {
  const std::string text = captured([] {
    Log log(Level::warning);
    log.write(Level::info, "not this");
    log.write(Level::warning, "this");
  });
  CHECK(text == "gptcore: warning: this\n");
}

TEST_CASE("two logs do not know each other") {
  const std::string text = captured([] {
    Log quiet(Level::warning), loud(Level::info);
    quiet.write(Level::info, "quiet");
    loud.write(Level::info, "loud");
  });
  CHECK(text == "gptcore: loud\n");
}

TEST_CASE("threads do not mix their lines") {
  const std::string text = captured([] {
    Log log;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&log] {
        for (int n = 0; n < 100; ++n) log.write(Level::info, "the same words each time");
      });
    }
    for (auto& thread : threads) thread.join();
  });
  std::string expected;
  for (int i = 0; i < 400; ++i) expected += "gptcore: the same words each time\n";
  CHECK(text == expected);
}
