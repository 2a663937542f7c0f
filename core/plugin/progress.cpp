#include "core/plugin/progress.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/message.h"
#include "gptcore/draft/terminal.h"

namespace gptcore {
namespace {

constexpr double kRedraw = 0.1, kPlainLine = 5;  // seconds
constexpr double kForgotten = 60;                // seconds without an update, after which a task is dropped
constexpr int kBar = 24, kLeastBar = 4;          // columns
constexpr const char* kClearLine = "\r\x1b[K";

std::string amount(double value, std::string_view unit) {
  constexpr std::array<const char*, 5> kPrefixes = {"", "k", "M", "G", "T"};
  size_t prefix = 0;
  for (; value >= 1000 && prefix + 1 < kPrefixes.size(); ++prefix) value /= 1000;
  char text[64];
  std::snprintf(text, sizeof text, prefix == 0 ? "%.0f %s%.*s" : "%.1f %s%.*s", value, kPrefixes[prefix],
                static_cast<int>(std::min<size_t>(unit.size(), 16)), unit.data());
  return text;
}

std::string duration(double seconds) {
  const auto s = static_cast<int64_t>(std::ceil(seconds));
  char text[64];
  if (s < 60)
    std::snprintf(text, sizeof text, "%ds", static_cast<int>(s));
  else if (s < 3600)
    std::snprintf(text, sizeof text, "%dm%02ds", static_cast<int>(s / 60), static_cast<int>(s % 60));
  else
    std::snprintf(text, sizeof text, "%lldh%02dm", static_cast<long long>(s / 3600), static_cast<int>(s / 60 % 60));
  return text;
}

double share_of(int64_t done, int64_t total) {
  return std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
}

}  // namespace

ProgressOutput standard_progress() {
  ProgressOutput out;
  out.json = message_style().json;
  out.terminal = !out.json && ::isatty(STDERR_FILENO) == 1;
  out.write = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  };
  out.columns = [] { return terminal_columns(STDERR_FILENO); };
  out.seconds = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); };
  return out;
}

void Progress::update(std::string_view label, int64_t done, int64_t total, std::string_view unit) {
  const std::lock_guard lock(mutex_);
  const double now = out_.seconds();
  const bool ended = total > 0 && done >= total;
  std::erase_if(tasks_, [&](const Task& t) { return t.label != label && now - t.seen > kForgotten; });
  auto task = std::find_if(tasks_.begin(), tasks_.end(), [&](const Task& t) { return t.label == label; });
  if (task == tasks_.end()) {
    if (ended && label == ended_) return;  // its end is already shown
    if (tasks_.empty()) shown_ = out_.terminal ? now - 2 * kRedraw : now;
    task = tasks_.insert(tasks_.end(), {std::string(label), std::string(unit), done, 0, 0, now, now});
  }
  task->done = done;
  task->total = total;
  task->seen = now;
  if (!ended && now - shown_ < (out_.terminal ? kRedraw : kPlainLine)) return;

  shown_ = now;
  const std::string shown = text(ended ? *task : together(), now);
  if (ended) {
    ended_ = label;
    tasks_.erase(task);
  }
  out_.write(out_.terminal ? kClearLine + shown + (ended ? "\n" : "") : shown + "\n");
  drawn_ = out_.terminal && !ended ? shown : "";
}

// Returns the sum of all tasks; its size is unknown when one task's is.
Progress::Task Progress::together() const {
  Task sum = tasks_.front();
  bool known = sum.total > 0;
  for (size_t i = 1; i < tasks_.size(); ++i) {
    const Task& t = tasks_[i];
    sum.first += t.first;
    sum.done += t.done;
    sum.total += t.total;
    known = known && t.total > 0;
  }
  if (!known) sum.total = 0;
  if (tasks_.size() > 1) sum.label += " and " + std::to_string(tasks_.size() - 1) + " more";
  return sum;
}

void Progress::clear() {
  const std::lock_guard lock(mutex_);
  if (!drawn_.empty()) out_.write(kClearLine);
  drawn_.clear();
}

void Progress::print_above(const std::function<void()>& print) {
  const std::lock_guard lock(mutex_);
  if (!drawn_.empty()) out_.write(kClearLine);
  print();
  if (!drawn_.empty()) out_.write(kClearLine + fitted(drawn_, out_.columns() - 1));
}

std::string Progress::text(const Task& task, double now) const {
  return out_.json ? json(task, now) : line(task, now);
}

// When the line is too long for the terminal, first the bar gets shorter and then goes, and then the end is truncated.
std::string Progress::line(const Task& task, double now) const {
  const auto& [label, unit, first, done, total, started, seen] = task;
  const double elapsed = now - started;
  std::string rest;
  if (total > 0) rest = " " + std::to_string(static_cast<int>(share_of(done, total) * 100)) + "%";
  rest += " " + amount(static_cast<double>(done), unit);
  if (total > 0) rest += " of " + amount(static_cast<double>(total), unit);
  const double rate = elapsed > 0 ? static_cast<double>(done - first) / elapsed : 0;
  if (rate > 0) rest += ", " + amount(rate, unit) + "/s";
  if (rate > 0 && total > done) rest += ", " + duration(static_cast<double>(total - done) / rate) + " left";
  if (!out_.terminal) return label + rest;

  const int columns = out_.columns() - 1;  // a full line would move the cursor into the next
  const int room = std::min(kBar, columns - columns_of(label) - columns_of(rest) - 3);
  std::string bar;
  if (total > 0 && room >= kLeastBar) {
    bar.assign(static_cast<size_t>(room), '.');
    const auto filled = static_cast<size_t>(share_of(done, total) * room);
    bar = " [" + bar.replace(0, filled, filled, '#') + "]";
  }
  return fitted(label + bar + rest, columns);
}

std::string Progress::json(const Task& task, double now) const {
  const nlohmann::ordered_json object = {{"level", "progress"}, {"message", task.label}, {"done", task.done},
                                         {"total", task.total}, {"unit", task.unit},     {"seconds", now - task.started}};
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace gptcore
