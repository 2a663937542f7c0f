#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/plugins_verb.h"
#include "apps/gptcore/text_table.h"
#include "core/builtin/core_items.h"
#include "core/plugin/search.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

std::string list_text(const std::vector<ItemInfo>& items) {
  std::vector<std::vector<std::string>> rows = {{"KIND", "NAME", "PLUGIN", "VERSION", "WHAT IT IS"}};
  for (const ItemInfo& i : items) rows.push_back({name_of(i.kind), i.name, i.plugin, i.plugin_version, i.doc});
  return aligned(rows, "");
}

std::string list_json(const std::vector<ItemInfo>& items) {
  Json out = Json::array();
  for (const ItemInfo& i : items)
    out.push_back({{"kind", name_of(i.kind)},
                   {"name", i.name},
                   {"plugin", i.plugin},
                   {"version", i.plugin_version},
                   {"file", i.file},
                   {"doc", i.doc}});
  return out.dump(2) + "\n";
}

}  // namespace

std::vector<ItemInfo> by_kind_and_name(std::vector<ItemInfo> items) {
  std::sort(items.begin(), items.end(),
            [](const ItemInfo& a, const ItemInfo& b) { return std::pair(a.kind, a.name) < std::pair(b.kind, b.name); });
  return items;
}

VerbOptions plugins_list_options() {
  VerbOptions options;
  options.visible.add_options()("json", po::bool_switch(), "print a JSON list with an object an item");
  return options;
}

int plugins_list(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(plugins_list_options(), arguments);
  Catalog core;
  add_core_items(core);
  std::vector<Error> refused;
  const Catalog catalog = read_catalog(plugin_files, refused, std::move(core));
  std::fputs((given.get<bool>("json") ? list_json : list_text)(by_kind_and_name(catalog.items())).c_str(), stdout);
  return report_refused(refused);
}

}  // namespace gptcore
