#include "core/plugin/progress.h"

#include <nlohmann/json.hpp>

#include "gptcore/draft/terminal.h"

#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

// A progress display with a clock and an output of its own.
struct Display {
  explicit Display(bool terminal, int wide = 100, bool json = false)
      : columns(wide),
        progress({terminal, json, [this](std::string_view text) { shown += text; }, [this] { return columns; },
                  [this] { return now; }}) {}
  int columns;
  double now = 0;
  std::string shown;
  Progress progress;
};

}  // namespace

TEST_CASE("on a terminal a task is one redrawn line that ends with the task") {
  Display d(true);
  d.progress.update("load", 0, 200, "files");
  d.now = 1;
  d.progress.update("load", 100, 200, "files");
  CHECK_THAT(d.shown, Contains("\r\x1b[Kload [############............] 50% 100 files of 200 files, 100 files/s, 1s left"));
  CHECK(d.shown.find('\n') == std::string::npos);
  d.now = 2;
  d.progress.update("load", 200, 200, "files");
  CHECK(d.shown.back() == '\n');
  const std::string at_end = d.shown;
  d.progress.update("load", 200, 200, "files");
  CHECK(d.shown == at_end);
}

TEST_CASE("on a terminal a line is redrawn at most ten times a second") {
  Display d(true);
  for (int i = 1; i <= 1000; ++i) {
    d.now = i / 1000.0;
    d.progress.update("load", i, 100000, "B");
  }
  CHECK(std::count(d.shown.begin(), d.shown.end(), '\r') <= 11);
}

TEST_CASE("elsewhere a plain line is written every five seconds and at the end") {
  Display d(false);
  for (int i = 0; i <= 12; ++i) {
    d.now = i;
    d.progress.update("load", i * 1000, 12000, "B");
  }
  CHECK(d.shown ==
        "load 41% 5.0 kB of 12.0 kB, 1.0 kB/s, 7s left\nload 83% 10.0 kB of 12.0 kB, 1.0 kB/s, 2s left\n"
        "load 100% 12.0 kB of 12.0 kB, 1.0 kB/s\n");
}

TEST_CASE("tasks at the same time share a line with their sum, and each ends with its own") {
  Display d(true);
  for (const char* name : {"get a", "get b", "get c"}) d.progress.update(name, 0, 100, "B");
  d.now = 1;
  d.progress.update("get b", 60, 100, "B");
  CHECK_THAT(d.shown, Contains("get a and 2 more [####....................] 20% 60 B of 300 B, 60 B/s, 4s left"));
  d.now = 2;
  d.progress.update("get b", 100, 100, "B");
  CHECK_THAT(d.shown, Contains("get b [########################] 100% 100 B of 100 B, 50 B/s\n"));
  d.now = 3;
  d.progress.update("get c", 40, 100, "B");
  CHECK_THAT(d.shown, Contains("get a and 1 more [####....................] 20% 40 B of 200 B"));
}

TEST_CASE("a task of which nothing is heard any more is forgotten") {
  Display d(true);
  d.progress.update("broken", 10, 100, "B");
  d.now = 100;
  d.progress.update("next", 50, 100, "B");
  CHECK_THAT(d.shown, Contains("\r\x1b[Knext [############............] 50%"));
}

TEST_CASE("a task of unknown size shows what is done") {
  Display d(true);
  d.progress.update("load", 10, 0, "B");
  CHECK(d.shown == "\r\x1b[Kload 10 B");
  d.progress.clear();
  CHECK(d.shown == "\r\x1b[Kload 10 B\r\x1b[K");
}

TEST_CASE("the line fits the terminal, also after that was made narrower") {
  Display d(true);
  d.progress.update("tokenizing \xE6\x96\x87\xE4\xBB\xB6.txt", 0, 1000, "B");
  const auto drawn = [&](int columns) {
    d.now += 1;
    d.columns = columns;
    d.shown.clear();
    d.progress.update("tokenizing \xE6\x96\x87\xE4\xBB\xB6.txt", 500, 1000, "B");
    return d.shown.substr(std::string("\r\x1b[K").size());
  };
  CHECK_THAT(drawn(100), Contains("[############............] 50% 500 B of 1.0 kB"));
  for (int columns = 99; columns >= 0; --columns) {
    INFO(columns);
    const std::string line = drawn(columns);
    CHECK(columns_of(line) < std::max(columns, 1));
    if (columns > 40) CHECK_THAT(line, Contains("50% 500 B of"));
  }
  CHECK(columns_of(drawn(50)) == 49);  // the bar takes what is left
}

TEST_CASE("a message stands above the unfinished line, which is drawn again below it") {
  Display d(true);
  d.progress.update("load", 10, 0, "B");
  d.shown.clear();
  d.progress.print_above([&] { d.shown += "a message\n"; });
  CHECK(d.shown == "\r\x1b[Ka message\n\r\x1b[Kload 10 B");
  d.progress.clear();
  d.shown.clear();
  d.progress.print_above([&] { d.shown += "a message\n"; });
  CHECK(d.shown == "a message\n");
}

TEST_CASE("an unfinished line is gone with its progress") {
  std::string shown;
  {
    Progress progress({true, false, [&](std::string_view text) { shown += text; }, [] { return 80; }, [] { return 0.0; }});
    progress.update("load", 10, 0, "B");
  }
  CHECK(shown == "\r\x1b[Kload 10 B\r\x1b[K");
}

TEST_CASE("under --error-format json the lines of progress are objects") {
  Display d(false, 80, true);
  d.progress.update("load", 0, 10, "B");
  d.now = 6;
  d.progress.update("load", 4, 10, "B");
  CHECK(
      nlohmann::json::parse(d.shown) ==
      nlohmann::json{{"level", "progress"}, {"message", "load"}, {"done", 4}, {"total", 10}, {"unit", "B"}, {"seconds", 6.0}});
}
