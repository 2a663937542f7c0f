// How far a long task is: one redrawn line with a bar, rate and time left on a terminal, a plain line now and then elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

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
  std::string line(int64_t done, int64_t total, std::string_view unit, double elapsed) const;

  bool terminal_;
  std::function<void(std::string_view)> write_;
  std::function<double()> seconds_;
  std::mutex mutex_;
  std::string label_;   // of the last task
  bool over_ = true;    // that task has ended
  double started_ = 0;  // when it began
  int64_t first_ = 0;   // where it began: a resumed download starts above 0
  double shown_ = 0;    // when it was last shown
  bool drawn_ = false;  // a line without an end is on the terminal
};

}  // namespace gptcore
