#include "core/plugin/probe_memory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "core/base/hash.h"
#include "gptcore/abi.h"
#include "gptcore/version.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

// Returns an empty path when the environment names no place.
fs::path memory_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache == '/') return fs::path(cache) / "gptcore/probed";
  const char* home = std::getenv("HOME");
  return home && *home == '/' ? fs::path(home) / ".cache/gptcore/probed" : fs::path();
}

// Identifies the build of the probe: a rebuilt program has another one and probes plugins again.
std::string build_of(const std::string& probe_program) {
  struct stat info {};
  if (::stat(probe_program.c_str(), &info) != 0) return {};
  return std::to_string(info.st_size) + "." + std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

}  // namespace

std::string probe_key(const PluginFile& plugin, const std::vector<PluginFile>& before, const std::string& probe_program) {
  std::string text = std::string(GPTCORE_VERSION " " TORCH_VERSION " " GPTCORE_ABI_TAG) + " " + build_of(probe_program) + " " +
                     sha256_hex_of_file(plugin.path);
  for (const PluginFile& other : before) text += " " + sha256_hex_of_file(other.path);
  return sha256_hex(text);
}

bool is_remembered(const std::string& key) {
  const fs::path folder = memory_folder();
  struct stat info {};
  return !folder.empty() && ::stat((folder / key).c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         (info.st_uid == ::geteuid() || info.st_uid == 0);
}

void remember(const std::string& key) {
  const fs::path folder = memory_folder();
  if (folder.empty()) return;
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  // The file is empty, so it is complete as soon as it exists.
  const int file = ::open((folder / key).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (file >= 0) ::close(file);
}

}  // namespace gptcore
