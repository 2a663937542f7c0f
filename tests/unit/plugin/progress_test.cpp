#include "core/plugin/progress.h"

#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

// A progress display with a clock and an output of its own.
struct Display {
  explicit Display(bool terminal)
      : progress(
            terminal, [this](std::string_view text) { shown += text; }, [this] { return now; }) {}
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
