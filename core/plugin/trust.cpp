#include "core/plugin/trust.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "core/plugin/installation.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value && *value && std::string_view(value) != "0";
}

// `what` is "the file" or "its folder"; `plugin` is the path as given, for the message.
void require_owned(const fs::path& path, const std::string& what, const std::string& plugin) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return;
  const std::string name = "'" + path.string() + "'";
  // In a sticky folder such as /tmp, other users cannot replace a file that is not theirs.
  const bool sticky_folder = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX);
  if ((info.st_mode & S_IWOTH) && !sticky_folder)
    throw Error(Code::plugin_writable, what + " may be written by every user of this machine",
                "chmod o-w " + name + ", or run with --allow-insecure-plugins", plugin);
  if (info.st_uid != 0 && info.st_uid != ::geteuid())
    throw Error(Code::plugin_foreign_owner,
                what + " belongs to user " + std::to_string(info.st_uid) + ", expected user " + std::to_string(::geteuid()) +
                    (::geteuid() == 0 ? "" : " or root"),
                "copy the plugin into a folder of your own, or run with --allow-insecure-plugins", plugin);
}

}  // namespace

bool insecure_plugins_allowed() {
  return is_set(kAllowInsecureVariable);
}

bool safe_mode() {
  return is_set(kSafeModeVariable);
}

void require_trusted(const std::string& path) {
  if (path.find('/') == std::string::npos)
    throw Error(Code::plugin_bare_name, "a plugin is named by a path with a slash, got '" + path + "'",
                "write './" + path + "' for the file in this folder", path);
  std::error_code absent;
  const fs::path real = fs::canonical(path, absent);
  if (absent || fs::is_directory(real, absent) || insecure_plugins_allowed()) return;
  require_owned(real, "the file", path);
  require_owned(real.parent_path(), "its folder", path);
  if (const fs::path given = fs::absolute(path).parent_path(); given != real.parent_path())
    require_owned(given, "the link's folder", path);
}

void require_safe(const std::string& path) {
  if (!safe_mode()) return;
  std::error_code absent;
  if (is_installed_plugin(fs::weakly_canonical(path, absent).string())) return;
  throw Error(Code::plugin_unsafe, "in safe mode only the plugins of " + installed_plugins_folder() + " are loaded",
              "leave --safe-mode out, or use the built-in items", path);
}

}  // namespace gptcore
