#include "core/plugin/progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace gptcore {
namespace {

constexpr double kRedraw = 0.1, kPlainLine = 5;  // seconds
constexpr double kForgotten = 60;                // seconds without news: it broke off
constexpr size_t kBar = 24;                      // characters
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

}  // namespace

Progress::Progress(bool terminal, std::function<void(std::string_view)> write, std::function<double()> seconds)
    : terminal_(terminal), write_(std::move(write)), seconds_(std::move(seconds)) {}

void Progress::update(std::string_view label, int64_t done, int64_t total, std::string_view unit) {
  const std::lock_guard lock(mutex_);
  const double now = seconds_();
  const bool ended = total > 0 && done >= total;
  std::erase_if(tasks_, [&](const Task& t) { return t.label != label && now - t.seen > kForgotten; });
  auto task = std::find_if(tasks_.begin(), tasks_.end(), [&](const Task& t) { return t.label == label; });
  if (task == tasks_.end()) {
    if (ended && label == ended_) return;  // said already
    if (tasks_.empty()) shown_ = terminal_ ? now - 2 * kRedraw : now;
    task = tasks_.insert(tasks_.end(), {std::string(label), std::string(unit), done, 0, 0, now, now});
  }
  task->done = done;
  task->total = total;
  task->seen = now;
  if (!ended && now - shown_ < (terminal_ ? kRedraw : kPlainLine)) return;

  shown_ = now;
  const std::string text = line(ended ? *task : together(), now);
  if (ended) {
    ended_ = label;
    tasks_.erase(task);
  }
  write_(terminal_ ? kClearLine + text + (ended ? "\n" : "") : text + "\n");
  drawn_ = terminal_ && !ended;
}

// The sum of all; of unknown size when one is.
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
  if (drawn_) write_(kClearLine);
  drawn_ = false;
}

std::string Progress::line(const Task& task, double now) const {
  const auto& [label, unit, first, done, total, started, seen] = task;
  const double elapsed = now - started;
  std::string out = label;
  if (total > 0) {
    const double share = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
    if (terminal_) {
      std::string bar(kBar, '.');
      bar.replace(0, static_cast<size_t>(share * kBar), static_cast<size_t>(share * kBar), '#');
      out.append(" [").append(bar).append("]");
    }
    out.append(" ").append(std::to_string(static_cast<int>(share * 100))).append("%");
  }
  out.append(" ").append(amount(static_cast<double>(done), unit));
  if (total > 0) out.append(" of ").append(amount(static_cast<double>(total), unit));

  const double rate = elapsed > 0 ? static_cast<double>(done - first) / elapsed : 0;
  if (rate > 0) out.append(", ").append(amount(rate, unit)).append("/s");
  if (rate > 0 && total > done) out.append(", ").append(duration(static_cast<double>(total - done) / rate)).append(" left");
  return out;
}

}  // namespace gptcore
