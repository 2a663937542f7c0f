// Runs a child process, which may do anything, crash and hang included, without harm to this process.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gptcore {

struct ChildOutcome {
  bool started = false;
  bool timed_out = false;  // killed at its time limit
  int signal = 0;          // the one that ended the child, else 0
  int status = 0;          // exit status
  std::string out, err;    // at most about 64 KiB of each
};

// Runs the program words[0], with nothing on its standard input, and waits for its end. At the start and after each piece of
// standard output, `limit` is called with all of that output; the child and its own children are killed so many seconds later.
ChildOutcome run_child(const std::vector<std::string>& words, const std::function<double(std::string_view out)>& limit);

}  // namespace gptcore
