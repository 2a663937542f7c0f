// How far long tasks are: one redrawn line with a bar, rate and time left on a terminal, a plain line now and then elsewhere.
// Several at once share the line, which then shows their sum.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace gptcore {

class Progress {
 public:
  // `write` puts text on the terminal or into the log as it is. `seconds` is a monotonic clock.
  Progress(bool terminal, std::function<void(std::string_view)> write, std::function<double()> seconds);
  // [any thread] `total` 0 = unknown; done == total ends the task. `unit` "B" is shown as kB, MB, ...
  void update(std::string_view label, int64_t done, int64_t total, std::string_view unit);
  // [any thread] Takes an unfinished line off the terminal, so that another text can be printed.
  void clear();

 private:
  struct Task {
    std::string label, unit;
    int64_t first = 0;  // where it began: a resumed download starts above 0
    int64_t done = 0, total = 0;
    double started = 0, seen = 0;
  };
  std::string line(const Task& task, double now) const;
  Task together() const;

  bool terminal_;
  std::function<void(std::string_view)> write_;
  std::function<double()> seconds_;
  std::mutex mutex_;
  std::vector<Task> tasks_;  // that have not ended
  std::string ended_;        // label of the last that has
  double shown_ = 0;         // when something was last shown
  bool drawn_ = false;       // a line without an end is on the terminal
};

}  // namespace gptcore
