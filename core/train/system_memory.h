// What the machine and the control groups around this process leave of their memory. What cannot be read is left out.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace gptcore {

struct MemoryLimit {
  std::string what;          // "MemAvailable", "what /sys/fs/cgroup/memory.max leaves"
  double left = 0, all = 0;  // bytes
};

// The folders of our control group (version 2, mounted at `root`) and of those around it: the limits of each hold for us.
std::vector<std::string> control_groups(const std::string& proc, const std::string& root);
std::optional<MemoryLimit> machine_memory(const std::string& proc);
// memory.max and memory.high. Cached files count as left: the kernel drops them before it ends a process.
std::vector<MemoryLimit> group_memory(const std::string& folder);

// A file's text, "" when there is none.
std::string text_of_file(const std::string& path);
// The number right after `key`; none when there is no such key or no number.
std::optional<double> number_after(const std::string& text, const std::string& key);

}  // namespace gptcore
