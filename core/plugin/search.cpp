#include "core/plugin/search.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "core/plugin/plugin_file.h"
#include "core/plugin/trust.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

// Returns the .so files of a folder in the order of their names, or none when it cannot be read.
std::vector<std::string> libraries_in(const fs::path& folder, std::error_code& failed) {
  std::vector<std::string> out;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
    if (it->path().extension() == ".so") out.push_back(it->path().string());
  std::sort(out.begin(), out.end());
  return out;
}

void add_search_path(const char* path, std::vector<std::string>& files, std::vector<Error>& refused) {
  std::string rest = path ? path : "";
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    const std::string entry = rest.substr(0, colon);
    rest.erase(0, colon + 1);
    if (entry.empty()) continue;
    if (entry[0] != '/') {
      refused.emplace_back(Code::plugin_refused, "GPTCORE_PLUGIN_PATH holds the relative folder '" + entry + "'",
                           "write it as an absolute path");
      continue;
    }
    std::error_code failed;
    for (std::string& file : libraries_in(entry, failed)) files.push_back(std::move(file));
    if (failed)
      refused.emplace_back(Code::plugin_missing, "GPTCORE_PLUGIN_PATH names a folder that cannot be read: " + failed.message(),
                           "create it or take it out of the variable", entry);
  }
}

bool is_installed(const ItemInfo& item) {
  return !item.file.empty() && is_installed_plugin(item.file);
}

// Adds all of the plugin's items, or throws and adds none.
void add_plugin(const PluginFile& plugin, const std::string& file, bool replace, Catalog& catalog) {
  for (const ItemInfo& item : plugin.items)
    if (const ItemInfo* other = catalog.find(item.kind, item.name); other && !(replace && is_installed(*other)))
      throw name_clash(item, *other, file);
  for (const ItemInfo& item : plugin.items) {
    if (catalog.find(item.kind, item.name))
      catalog.add_over(item);
    else
      catalog.add(item);
  }
}

// A plugin that was found, with its file as it was named.
struct Found {
  std::string file;
  PluginFile plugin;
};

}  // namespace

Error name_clash(const ItemInfo& item, const ItemInfo& other, const std::string& file) {
  const std::string text = std::string(name_of(item.kind)) + " '" + item.name + "' is offered by plugin '" + item.plugin +
                           "' and by " +
                           (other.file.empty() ? "gptcore itself" : "plugin '" + other.plugin + "' (" + other.file + ")");
  if (other.file.empty()) return {Code::plugin_clash, text, "give it another name", file};
  if (is_installed(other) == is_installed(item)) return {Code::plugin_clash, text, "load only one of them", file};
  return {Code::plugin_clash, text, "give it another name, or use it in place of the other by override = true in [plugins]",
          file};
}

Catalog read_catalog(const std::vector<std::string>& plugin_files, std::vector<Error>& refused, Catalog known, bool replace) {
  std::vector<std::string> files = plugin_files;
  if (!safe_mode()) add_search_path(std::getenv("GPTCORE_PLUGIN_PATH"), files, refused);
  std::error_code none;  // a program that is not installed has no such folder
  for (std::string& file : libraries_in(installed_plugins_folder(), none)) files.push_back(std::move(file));

  known.set_optional(optional_items());
  std::set<std::pair<dev_t, ino_t>> seen;
  std::vector<Found> installed, others;
  for (const std::string& file : files) {
    struct stat info {};
    if (::stat(file.c_str(), &info) == 0 && !seen.insert({info.st_dev, info.st_ino}).second) continue;
    try {
      require_safe(file);
      Found found{file, read_plugin_file(file)};
      (is_installed_plugin(found.plugin.path) ? installed : others).push_back(std::move(found));
    } catch (const Error& e) {
      refused.push_back(e);
    }
  }
  const auto add_all = [&](const std::vector<Found>& all, bool over) {
    for (const Found& found : all) {
      try {
        add_plugin(found.plugin, found.file, over, known);
      } catch (const Error& e) {
        refused.push_back(e);
      }
    }
  };
  add_all(installed, false);
  add_all(others, replace);
  return known;
}

}  // namespace gptcore
