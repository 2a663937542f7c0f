#include <cstdio>
#include <filesystem>
#include <set>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/json_output.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/plugins_verb.h"
#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/plugin/lock_file.h"
#include "core/plugin/plugin_file.h"
#include "core/plugin/search.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;

// Returns every plugin that can be found. Throws for one that cannot be used, since the lock file would leave it out.
std::vector<std::string> all_files(const std::vector<std::string>& plugin_files) {
  std::vector<Error> refused;
  const Catalog catalog = read_catalog(plugin_files, refused);
  if (!refused.empty()) throw refused.front();
  std::set<std::string> files;
  for (const ItemInfo& item : catalog.items()) files.insert(item.file);
  return {files.begin(), files.end()};
}

nlohmann::ordered_json json_of(const std::vector<LockedPlugin>& plugins) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const LockedPlugin& p : plugins) all.push_back({{"name", p.name}, {"version", p.version}, {"sha256", p.sha256}});
  return all;
}

}  // namespace

VerbOptions plugins_lock_options() {
  VerbOptions options;
  options.visible.add_options()("to", po::value<std::string>()->value_name("FILE"),
                                "the file to write (default: gptcore.lock beside the pipeline)");
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object with what was locked");
  options.positional.add_options()("pipeline", po::value<std::string>());
  options.order.add("pipeline", 1);
  return options;
}

int plugins_lock(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(plugins_lock_options(), arguments);
  const auto pipeline = given.get<std::string>("pipeline");
  std::vector<std::string> files;
  if (pipeline.empty()) {
    files = all_files(plugin_files);
  } else {
    const Pipeline loaded = load_with_plugins({pipeline, {}, plugin_files});
    files = files_used(loaded.config, loaded.catalog);
  }

  std::vector<LockedPlugin> plugins;
  for (const std::string& file : files) plugins.push_back(locked(read_plugin_file(file)));
  const std::string to = given.values.count("to") ? given.get<std::string>("to") : lock_path_of(pipeline);
  write_file_atomically(*posix_file_system(), to, to_toml(plugins));
  if (given.get<bool>("json"))
    print_json({{"file", to}, {"plugins", json_of(plugins)}});
  else
    std::printf("%s: %zu plugins\n", to.c_str(), plugins.size());
  return 0;
}

}  // namespace gptcore
