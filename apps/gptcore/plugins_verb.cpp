#include "apps/gptcore/plugins_verb.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/gptcore/command_line.h"
#include "core/base/hash.h"
#include "core/config/core_items.h"
#include "core/config/suggest.h"
#include "core/plugin/manifest.h"
#include "core/plugin/plugin_file.h"
#include "core/plugin/search.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

VerbOptions plugins_options() {
  VerbOptions options;
  options.visible.add_options()("json", po::bool_switch(), "print JSON");
  options.visible.add_options()("toml", po::bool_switch(), "info: print a table for a pipeline file");
  options.positional.add_options()("action", po::value<std::string>());
  options.positional.add_options()("name", po::value<std::string>());
  options.order.add("action", 1).add("name", 1);
  return options;
}

// Rows of texts as lines; every column but the last is as wide as its widest text.
std::string aligned(const std::vector<std::vector<std::string>>& rows, const std::string& indent) {
  std::vector<size_t> widths;
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line = indent;
    for (size_t i = 0; i < row.size(); ++i)
      line += i + 1 == row.size() ? row[i] : row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    out += line + "\n";
  }
  return out;
}

std::vector<ItemInfo> sorted(std::vector<ItemInfo> items) {
  std::sort(items.begin(), items.end(),
            [](const ItemInfo& a, const ItemInfo& b) { return std::pair(a.kind, a.name) < std::pair(b.kind, b.name); });
  return items;
}

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

std::vector<std::string> param_row(const ParamSpec& p) {
  const std::string standard = p.required ? "required" : p.fallback.empty() ? "not set" : "default " + to_toml(p.fallback);
  std::string range = p.choices.empty() ? range_text(p) : "";
  if (!p.choices.empty()) range = "one of " + std::to_string(p.choices.size());
  return {p.name, std::string(type_name(p.type)) + (p.unit.empty() ? "" : " (" + p.unit + ")"), standard, range, p.doc};
}

std::string params_text(const std::vector<ParamSpec>& params) {
  std::vector<std::vector<std::string>> rows;
  for (const ParamSpec& p : params) rows.push_back(param_row(p));
  std::istringstream lines(aligned(rows, "  "));
  std::string out, line;
  for (const ParamSpec& p : params) {
    std::getline(lines, line);
    out += line + "\n";
    for (const Choice& c : p.choices) out += "      " + to_toml(Value(c.text)) + (c.doc.empty() ? "" : "  " + c.doc) + "\n";
  }
  return params.empty() ? "  no parameters\n" : out;
}

std::string info_text(const ItemInfo& item) {
  std::string out = std::string(name_of(item.kind)) + " " + item.name + ": " + item.doc + "\n";
  out += "  plugin " + item.plugin + " " + item.plugin_version;
  if (!item.file.empty()) {
    const PluginFile file = read_plugin_file(item.file);
    out += ", SDK " + sdk_version_text(file.sdk_version) + ", LibTorch " + torch_version_text(file.torch_version);
    out += "\n  file   " + item.file + "\n  sha256 " + sha256_hex_of_file(item.file);
  }
  return out + "\n" + params_text(item.params);
}

Json info_json(const ItemInfo& item) {
  const Json manifest = Json::parse(to_json({item.plugin, item.plugin_version, {item}}));
  Json out = manifest.at("items").at(0);
  out["plugin"] = item.plugin;
  out["version"] = item.plugin_version;
  if (item.file.empty()) return out;
  const PluginFile file = read_plugin_file(item.file);
  out["file"] = item.file;
  out["sdk"] = sdk_version_text(file.sdk_version);
  out["libtorch"] = torch_version_text(file.torch_version);
  out["sha256"] = sha256_hex_of_file(item.file);
  return out;
}

// The item's table for a pipeline file: what has a default is set to it, the rest is a comment.
std::string info_toml(const ItemInfo& item) {
  const std::string kind = name_of(item.kind);
  std::string out = item.kind == Kind::logger      ? "[[logger]]"
                    : item.kind == Kind::operation ? "[[stage.operation]]"
                                                   : "[" + kind + "]";
  out += "\nuse = " + to_toml(Value(item.name)) + "\n";
  for (const ParamSpec& p : item.params) {
    const std::string range = range_text(p);
    out += "# " + p.doc + " (" + type_name(p.type) + (range.empty() ? "" : ", " + range) + ")\n";
    out += p.fallback.empty() ? "# " + p.name + " =" + (p.required ? "  # required" : "") + "\n"
                              : p.name + " = " + to_toml(p.fallback) + "\n";
  }
  return out;
}

// The items meant by NAME, KIND/NAME or FILE.
std::vector<ItemInfo> items_of(const std::string& text, const Catalog& catalog) {
  const size_t slash = text.find('/');
  const std::string kind = slash == std::string::npos ? "" : text.substr(0, slash), name = text.substr(slash + 1);
  std::vector<ItemInfo> found;
  for (const ItemInfo& item : catalog.items())
    if (kind.empty() ? item.name == text : item.name == name && name_of(item.kind) == kind) found.push_back(item);
  if (!found.empty()) return found;
  if (slash != std::string::npos || text.ends_with(".so") || std::filesystem::is_regular_file(text))
    if (std::filesystem::exists(text) || text.ends_with(".so")) return read_plugin_file(text).items;

  std::vector<std::string> names;
  for (const ItemInfo& item : catalog.items())
    names.push_back(kind.empty() ? item.name : name_of(item.kind) + ("/" + item.name));
  throw Error(Code::unknown_name, "no plugin offers '" + text + "'", did_you_mean(text, names, "see gptcore plugins list"));
}

void print_info(const std::vector<ItemInfo>& items, bool json, bool toml) {
  Json all = Json::array();
  std::string out;
  for (const ItemInfo& item : items) {
    if (json)
      all.push_back(info_json(item));
    else
      out += (out.empty() ? "" : "\n") + (toml ? info_toml(item) : info_text(item));
  }
  std::fputs(json ? (all.dump(2) + "\n").c_str() : out.c_str(), stdout);
}

}  // namespace

std::string plugins_help() {
  std::ostringstream out;
  out << "gptcore plugins list                      what the installed plugins and those of --plugin offer\n"
      << "gptcore plugins info NAME|KIND/NAME|FILE  every parameter of an item, or of all items of a file\n"
      << plugins_options().visible;
  return out.str();
}

int plugins_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(plugins_options(), arguments);
  const auto action = given.get<std::string>("action"), name = given.get<std::string>("name");
  const bool json = given.get<bool>("json"), toml = given.get<bool>("toml");
  if (action != "list" && action != "info")
    throw Error(Code::usage, action.empty() ? "plugins wants an action" : "plugins has no action '" + action + "'",
                did_you_mean(action, {"list", "info"}, "there are list, info"));
  if (action == "list" && (toml || !name.empty())) throw Error(Code::usage, "plugins list takes no name and no --toml");
  if (action == "info" && name.empty()) throw Error(Code::usage, "plugins info wants an item", "gptcore plugins info NAME");
  if (json && toml) throw Error(Code::usage, "--json and --toml are both given");

  Catalog core;
  add_core_items(core);
  std::vector<Error> refused;
  const Catalog catalog = read_catalog(plugin_files, refused, std::move(core));
  if (action == "info")
    print_info(items_of(name, catalog), json, toml);
  else
    std::fputs((json ? list_json : list_text)(sorted(catalog.items())).c_str(), stdout);

  for (const Error& e : refused) std::fprintf(stderr, "%s\n", e.line().c_str());
  return refused.empty() ? 0 : exit_code(refused.front().code());
}

}  // namespace gptcore
