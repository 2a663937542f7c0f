// A program on a terminal of its own, and what stands on that terminal's screen.
#pragma once

#include <string>
#include <vector>

#include "tests/cli/process.h"

namespace gptcore::test {

struct TerminalOutcome {
  int status = 0;
  std::string bytes;                // all that was written to the terminal
  std::vector<std::string> screen;  // the lines that are left, of any number, longer ones broken at the width
};

// Runs the command with a terminal of `columns` as its three streams. Throws std::runtime_error when time is up.
TerminalOutcome run_on_terminal(const Command& command, unsigned short columns);
// The exit status of the command, as Outcome has it, whose terminal goes away once `text` is on it.
int run_until_terminal_goes(const Command& command, const std::string& text);
// What a terminal of that width shows of text with \r, \n, ESC[K and colors; every byte is one column.
std::vector<std::string> screen_of(const std::string& bytes, size_t columns);

}  // namespace gptcore::test
