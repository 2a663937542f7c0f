#include "core/plugin/cache_folder.h"

#include <cstdlib>
#include <filesystem>

#include "gptcore/error.h"

namespace gptcore {

std::string cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (const std::string own = variable("GPTCORE_CACHE"); !own.empty()) return std::filesystem::absolute(own).string();
  if (const std::string xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) return xdg + "/gptcore";
  const std::string home = variable("HOME");
  if (home.empty())
    throw Error(Code::io, "there is no cache folder: HOME is not set", "set GPTCORE_CACHE to a folder you may write");
  return home + "/.cache/gptcore";
}

}  // namespace gptcore
