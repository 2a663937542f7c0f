// Reads how much memory the machine and the control groups around this process have left. Unreadable figures are left out.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace gptcore {

struct MemoryLimit {
  std::string what;          // "MemAvailable", "memory left by /sys/fs/cgroup/memory.max"
  double left = 0, all = 0;  // bytes
};

// Returns the folders of our control group (version 2, mounted at `root`) and of those around it, whose limits all apply to us.
std::vector<std::string> control_groups(const std::string& proc, const std::string& root);
std::optional<MemoryLimit> machine_memory(const std::string& proc);
// Reads memory.max and memory.high. Cached files count as left: the kernel drops them before it ends a process.
std::vector<MemoryLimit> group_memory(const std::string& folder);

// Returns a file's text, or "" when the file does not exist.
std::string text_of_file(const std::string& path);
// Returns the number right after `key`, or none when there is no such key or no number.
std::optional<double> number_after(const std::string& text, const std::string& key);

}  // namespace gptcore
