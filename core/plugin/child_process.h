// A child process that may do anything, crash and hang included, without harm to this one.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gptcore {

struct ChildOutcome {
  bool started = false;
  bool timed_out = false;  // killed at its time limit
  int signal = 0;          // that ended it, else 0
  int status = 0;          // exit status
  std::string out, err;    // at most some 64 KiB of each
};

// Runs the program words[0], with nothing on its standard input, and waits for its end. Each time its standard output says
// something, `limit` is asked with all of that output: so many seconds from then it is killed, with its own children.
ChildOutcome run_child(const std::vector<std::string>& words, const std::function<double(std::string_view out)>& limit);

}  // namespace gptcore
