#include "core/plugin/lock_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "core/base/file_system.h"
#include "core/base/hash.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr uint64_t kMaxLock = 1 << 22;

LockedPlugin plugin_of(const toml::table& table) {
  const auto text = [&](const char* key) { return table[key].value_or(std::string()); };
  return {text("name"), text("version"), text("sha256"), text("build_id"), text("path")};
}

std::string described(const LockedPlugin& p) {
  return p.version + " with sha256 " + p.sha256;
}

}  // namespace

std::string lock_path_of(const std::string& pipeline_file) {
  return (std::filesystem::path(pipeline_file).parent_path() / "gptcore.lock").string();
}

LockedPlugin locked(const PluginFile& file) {
  return {file.name, file.version, sha256_hex_of_file(file.path), file.build_id, file.path};
}

std::string to_toml(const std::vector<LockedPlugin>& plugins) {
  std::ostringstream out;
  out << "# Written by gptcore plugins lock; checked by gptcore run --locked.\n";
  for (const LockedPlugin& p : plugins) {
    out << "\n[[plugin]]\n";
    for (const auto& [key, value] :
         {std::pair("name", p.name), {"version", p.version}, {"sha256", p.sha256}, {"build_id", p.build_id}, {"path", p.path}})
      out << key << " = " << to_toml(Value(value)) << "\n";
  }
  return out.str();
}

std::vector<LockedPlugin> read_lock_file(const std::string& path) {
  const char* const hint = "write it with gptcore plugins lock PIPELINE.toml";
  if (!std::filesystem::is_regular_file(path)) throw Error(Code::plugin_not_locked, "there is no lock file", hint, path);
  std::vector<LockedPlugin> out;
  try {
    const toml::table document = toml::parse(read_text(*posix_file_system(), path, kMaxLock), path);
    if (const toml::array* plugins = document["plugin"].as_array())
      for (const toml::node& node : *plugins)
        if (const toml::table* table = node.as_table()) out.push_back(plugin_of(*table));
  } catch (const toml::parse_error& e) {
    throw Error(Code::plugin_not_locked, "is not a lock file: " + std::string(e.description()), hint,
                path + ":" + std::to_string(e.source().begin.line) + ":" + std::to_string(e.source().begin.column));
  }
  if (out.empty()) throw Error(Code::plugin_not_locked, "is not a lock file: it has no [[plugin]]", hint, path);
  return out;
}

void require_locked(const std::vector<std::string>& files, const std::string& lock_path) {
  const std::vector<LockedPlugin> plugins = read_lock_file(lock_path);
  for (const std::string& file : files) {
    const LockedPlugin found = locked(read_plugin_file(file));
    const auto expected = std::find_if(plugins.begin(), plugins.end(), [&](const auto& p) { return p.name == found.name; });
    if (expected == plugins.end())
      throw Error(Code::plugin_not_locked, "plugin '" + found.name + "' is not in " + lock_path,
                  "if it should be, lock it: gptcore plugins lock", file);
    if (expected->version != found.version || expected->sha256 != found.sha256)
      throw Error(Code::plugin_lock_differs,
                  "plugin '" + found.name + "' is " + described(found) + ", " + lock_path + " expects " + described(*expected),
                  "use the file it was locked with, or lock it again: gptcore plugins lock", file);
  }
}

}  // namespace gptcore
