// Shows how far long tasks are: one redrawn line with a bar, rate and time left on a terminal, a plain line now and then
// elsewhere. Several tasks at once share the line, which then shows their sum.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace gptcore {

// The place where progress is shown.
struct ProgressOutput {
  bool terminal = false;  // one redrawn line, else plain ones
  bool json = false;      // the plain lines are JSON objects
  std::function<void(std::string_view)> write;
  std::function<int()> columns;     // of the terminal, now
  std::function<double()> seconds;  // a monotonic clock
};
// Returns the output to standard error.
ProgressOutput standard_progress();

class Progress {
 public:
  explicit Progress(ProgressOutput output) : out_(std::move(output)) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }
  // [any thread] `total` 0 = unknown; done == total ends the task. `unit` "B" is shown as kB, MB, ...
  void update(std::string_view label, int64_t done, int64_t total, std::string_view unit);
  // [any thread] Removes an unfinished line from the terminal, so that other text can be printed.
  void clear();
  // [any thread] `print` writes whole lines, which stay above an unfinished one.
  void print_above(const std::function<void()>& print);

 private:
  struct Task {
    std::string label, unit;
    int64_t first = 0;  // `done` at the start: above 0 for a resumed download
    int64_t done = 0, total = 0;
    double started = 0, seen = 0;
  };
  std::string text(const Task& task, double now) const;
  std::string line(const Task& task, double now) const;
  std::string json(const Task& task, double now) const;
  Task together() const;

  ProgressOutput out_;
  std::mutex mutex_;
  std::vector<Task> tasks_;  // unfinished ones
  std::string ended_;        // label of the task that ended last
  std::string drawn_;        // the unfinished line on the terminal
  double shown_ = 0;         // time of the last output
};

}  // namespace gptcore
