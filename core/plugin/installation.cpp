#include "core/plugin/installation.h"

#include <dlfcn.h>

#include <filesystem>

namespace gptcore {
namespace {

namespace fs = std::filesystem;

// Returns the shared library that holds this code, or "" when the program does, whose name the linker does not know for sure.
fs::path library_of_this_code() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&library_of_this_code), &info) == 0 || !info.dli_fname) return {};
  const fs::path file = info.dli_fname;
  const bool ours = file.filename().string().starts_with("libgptcore");
  return ours ? fs::absolute(file).lexically_normal() : fs::path();
}

}  // namespace

std::string program_folder() {
  return fs::read_symlink("/proc/self/exe").parent_path().string();
}

std::string installation_folder() {
  const fs::path library = library_of_this_code();
  return (library.empty() ? fs::path(program_folder()) : library.parent_path()).parent_path().string();
}

std::string installed_plugins_folder() {
  return installation_folder() + "/lib/gptcore/plugins";
}

bool is_installed_plugin(const std::string& real_path) {
  std::error_code absent;
  const fs::path folder = fs::canonical(installed_plugins_folder(), absent);
  return !absent && fs::path(real_path).parent_path() == folder;
}

}  // namespace gptcore
