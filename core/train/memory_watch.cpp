#include "core/train/memory_watch.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

namespace gptcore {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The number right after `key`; none when there is no such key or no number.
std::optional<double> number_after(const std::string& text, const std::string& key) {
  const size_t at = text.find(key);
  if (at == std::string::npos) return std::nullopt;
  const char* const first = text.c_str() + at + key.size();
  char* last = nullptr;
  const double number = std::strtod(first, &last);
  return last == first ? std::nullopt : std::optional(number);
}

// A file of one number; none for "max".
std::optional<double> number_in(const std::string& path) {
  const std::string text = text_of(path);
  return text.starts_with("max") ? std::nullopt : number_after(text, "");
}

std::string size_text(double bytes) {
  const bool large = bytes >= 1 << 30;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", bytes / (large ? 1 << 30 : 1 << 20), large ? "GiB" : "MiB");
  return text;
}

std::string left_text(const std::string& what, double left, double all) {
  char percent[32];
  std::snprintf(percent, sizeof percent, " (%.1f %%)", all > 0 ? left / all * 100 : 0);
  return what + " is " + size_text(left) + " of " + size_text(all) + percent;
}

// "0::/a/b" -> <root>/a/b, <root>/a, <root>: the limits of each hold for us.
std::vector<std::string> group_folders(const std::string& proc, const std::string& root) {
  const std::string text = "\n" + text_of(proc + "/self/cgroup");
  const std::string key = "\n0::";
  const size_t at = text.find(key);
  std::string path;
  if (at != std::string::npos) path = text.substr(at + key.size(), text.find('\n', at + 1) - at - key.size());
  if (path.find("..") != std::string::npos) path.clear();  // of a group outside of what we can see
  std::vector<std::string> folders;
  for (; path.size() > 1; path.resize(path.rfind('/'))) folders.push_back(root + path);
  folders.push_back(root);
  return folders;
}

}  // namespace

MemoryWatch::MemoryWatch(double free_percent, c10::Device device, MemorySources sources)
    : free_percent_(free_percent),
      device_(device),
      sources_(std::move(sources)),
      next_look_(free_percent > 0 ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity()) {
  if (!sources_.clock) sources_.clock = steady_seconds;
  if (free_percent > 0) groups_ = group_folders(sources_.proc, sources_.cgroup);
}

std::string MemoryWatch::look() {
  const double now = sources_.clock();
  if (now < next_look_) return {};
  std::string found = short_machine();
  for (size_t i = 0; i < groups_.size() && found.empty(); ++i) found = short_group(groups_[i]);
  if (found.empty()) found = stalled();
  if (found.empty() && !device_.is_cpu()) found = short_device();
  next_look_ = now + (found.empty() ? kInterval : kQuiet);
  return found;
}

// PSI: the share of the last ten seconds in which some task waited for memory.
std::string MemoryWatch::stalled() const {
  const auto share = number_after(text_of(sources_.proc + "/pressure/memory"), "some avg10=");
  if (!share || *share < kStalled) return {};
  char text[64];
  std::snprintf(text, sizeof text, "tasks wait for memory %.1f %% of the time", *share);
  return text;
}

std::string MemoryWatch::short_machine() const {
  const std::string text = text_of(sources_.proc + "/meminfo");
  const auto left = number_after(text, "MemAvailable:"), all = number_after(text, "MemTotal:");
  if (!left || !all || !is_short(*left, *all)) return {};
  return left_text("MemAvailable", *left * 1024, *all * 1024);
}

// Cached files count as free: the kernel drops them before it ends a process.
std::string MemoryWatch::short_group(const std::string& folder) const {
  for (const char* limit_file : {"/memory.max", "/memory.high"}) {
    const auto limit = number_in(folder + limit_file), used = number_in(folder + "/memory.current");
    if (!limit || !used) continue;
    const std::string stat = "\n" + text_of(folder + "/memory.stat");
    const double cached = number_after(stat, "\nactive_file ").value_or(0) + number_after(stat, "\ninactive_file ").value_or(0);
    const double left = std::max(*limit - std::max(*used - cached, 0.0), 0.0);
    if (is_short(left, *limit)) return left_text("what " + folder + limit_file + " leaves", left, *limit);
  }
  return {};
}

std::string MemoryWatch::short_device() const {
  const DeviceMemory memory = sources_.device_memory(device_);
  const auto left = static_cast<double>(memory.available), all = left + static_cast<double>(memory.in_use);
  return is_short(left, all) ? left_text("free memory of " + device_.str(), left, all) : std::string();
}

}  // namespace gptcore
