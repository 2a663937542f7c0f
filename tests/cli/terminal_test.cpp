// What a person sees on a terminal: the line that is redrawn, the lines that stay, colors.
#include "tests/cli/terminal.h"

#include <algorithm>
#include <regex>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;

namespace {

// Training that warns of a spike every few updates, between redrawn lines.
Command noisy(const Workspace& w) {
  Command command = w.training({"--max_iters=200", "--log_interval=1", "--on_spike=warn", "--spike_zscore=1"});
  command.environment = {"TERM=xterm", "NO_COLOR="};
  return command;
}

int lines_that_match(const std::vector<std::string>& lines, const std::string& pattern) {
  const std::regex regex(pattern);
  return static_cast<int>(
      std::count_if(lines.begin(), lines.end(), [&](const std::string& line) { return std::regex_match(line, regex); }));
}

}  // namespace

TEST_CASE("on a terminal, messages stay on lines of their own above the line that is redrawn") {
  const Workspace w;
  const TerminalOutcome outcome = run_on_terminal(noisy(w), 200);
  INFO(outcome.bytes);
  REQUIRE(outcome.status == 0);
  const auto warnings = std::count_if(outcome.screen.begin(), outcome.screen.end(),
                                      [](const std::string& line) { return line.find("loss spike") != std::string::npos; });
  CHECK(warnings > 1);
  CHECK(lines_that_match(outcome.screen, "gptcore: warning: loss spike at step .*\\)") == warnings);
  CHECK(lines_that_match(outcome.screen, ".*iter [0-9]+:.*") == 0);  // each was redrawn, none is left
  CHECK(lines_that_match(outcome.screen, "step [0-9]+: train loss .*") > 0);
}

TEST_CASE("a run whose terminal goes away is saved and ends as one that SIGTERM stops") {
  const Workspace w;
  Command command = w.training({"--max_iters=1000000"});
  command.environment = {"TERM=xterm", "NO_COLOR=1"};
  CHECK(run_until_terminal_goes(command, "iter 2") == 75);
  CHECK(newest_checkpoint(w.path("out")).filename() < "step-000100000");
  CHECK(records(w.path("out"), "run_ended").at(0).at("result") == "interrupted");
}

TEST_CASE("on a narrow terminal the redrawn line leaves nothing behind") {
  const Workspace w;
  Command command = w.training({"--max_iters=60", "--log_interval=1"});
  command.environment = {"TERM=xterm", "NO_COLOR=1"};
  const TerminalOutcome outcome = run_on_terminal(command, 40);
  INFO(outcome.bytes);
  REQUIRE(outcome.status == 0);
  CHECK(outcome.bytes.find("iter 30:") != std::string::npos);
  CHECK(lines_that_match(outcome.screen, ".*iter [0-9]+:.*") == 0);
  CHECK(outcome.bytes.find("tok/s") == std::string::npos);
}

TEST_CASE("colors are there on a terminal, and not with NO_COLOR or --color never") {
  const Workspace w;
  Command wrong = w.command({"rnu"});
  const auto has_color = [&](const std::vector<std::string>& words, const std::string& no_color) {
    wrong.words = w.command(words).words;
    wrong.environment = {"TERM=xterm", "NO_COLOR=" + no_color};
    return run_on_terminal(wrong, 80).bytes.find("\x1b[1;31merror[GC001]:\x1b[0m") != std::string::npos;
  };
  CHECK(has_color({"rnu"}, ""));
  CHECK_FALSE(has_color({"rnu"}, "1"));
  CHECK(has_color({"rnu", "--color", "always"}, "1"));
  CHECK_FALSE(has_color({"rnu", "--color=never"}, ""));
  CHECK(w.gptcore({"rnu"}).err.find('\x1b') == std::string::npos);
  CHECK(w.gptcore({"rnu", "--color=always"}).err.find('\x1b') != std::string::npos);
  CHECK(w.gptcore({"rnu", "--color=often"}).status == 2);
  CHECK(w.train({"--max_iters=20"}).out.find('\x1b') == std::string::npos);
}
