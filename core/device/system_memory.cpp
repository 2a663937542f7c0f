#include "core/device/system_memory.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace gptcore {
namespace {

// Reads a file of one number; returns none for "max".
std::optional<double> number_in(const std::string& path) {
  const std::string text = text_of_file(path);
  return text.starts_with("max") ? std::nullopt : number_after(text, "");
}

}  // namespace

std::string text_of_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::optional<double> number_after(const std::string& text, const std::string& key) {
  const size_t at = text.find(key);
  if (at == std::string::npos) return std::nullopt;
  const char* const first = text.c_str() + at + key.size();
  char* last = nullptr;
  const double number = std::strtod(first, &last);
  return last == first ? std::nullopt : std::optional(number);
}

std::vector<std::string> control_groups(const std::string& proc, const std::string& root) {
  const std::string text = "\n" + text_of_file(proc + "/self/cgroup");  // "0::/a/b" -> <root>/a/b, <root>/a, <root>
  const std::string key = "\n0::";
  const size_t at = text.find(key);
  std::string path;
  if (at != std::string::npos) path = text.substr(at + key.size(), text.find('\n', at + 1) - at - key.size());
  if (path.find("..") != std::string::npos) path.clear();  // our group is outside of the visible ones
  std::vector<std::string> folders;
  for (; path.size() > 1; path.resize(path.rfind('/'))) folders.push_back(root + path);
  folders.push_back(root);
  return folders;
}

std::optional<MemoryLimit> machine_memory(const std::string& proc) {
  const std::string text = text_of_file(proc + "/meminfo");
  const auto left = number_after(text, "MemAvailable:"), all = number_after(text, "MemTotal:");
  if (!left || !all) return std::nullopt;
  return MemoryLimit{"MemAvailable", *left * 1024, *all * 1024};
}

std::vector<MemoryLimit> group_memory(const std::string& folder) {
  std::vector<MemoryLimit> limits;
  for (const char* file : {"/memory.max", "/memory.high"}) {
    const auto limit = number_in(folder + file), used = number_in(folder + "/memory.current");
    if (!limit || !used) continue;
    const std::string stat = "\n" + text_of_file(folder + "/memory.stat");
    const double cached = number_after(stat, "\nactive_file ").value_or(0) + number_after(stat, "\ninactive_file ").value_or(0);
    const double left = std::max(*limit - std::max(*used - cached, 0.0), 0.0);
    limits.push_back({"memory left by " + folder + file, left, *limit});
  }
  return limits;
}

}  // namespace gptcore
