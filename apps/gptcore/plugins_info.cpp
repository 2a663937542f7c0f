#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/param_tables.h"
#include "apps/gptcore/plugins_verb.h"
#include "core/base/hash.h"
#include "core/builtin/core_items.h"
#include "core/config/config_errors.h"
#include "core/plugin/manifest.h"
#include "core/plugin/optional_items.h"
#include "core/plugin/plugin_file.h"
#include "core/plugin/probe.h"
#include "core/plugin/search.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "none" : out;
}

std::string info_text(const ItemInfo& item) {
  std::string out = std::string(name_of(item.kind)) + " " + item.name + ": " + item.doc + "\n";
  out += "  plugin " + item.plugin + " " + item.plugin_version;
  if (!item.file.empty()) {
    const PluginFile file = read_plugin_file(item.file);
    out += ", SDK " + sdk_version_text(file.sdk_version) + ", LibTorch " + torch_version_text(file.torch_version);
    out += "\n  file   " + item.file + "\n  sha256 " + sha256_hex_of_file(item.file);
    if (!file.build_id.empty()) out += "\n  build  " + file.build_id;
  }
  if (item.kind == Kind::operation || item.kind == Kind::logger) out += "\n  events " + joined(names_of_events(item.events));
  if (item.kind == Kind::operation) out += "\n  effects " + joined(names_of_effects(item.effects));
  return out + "\n" + (item.params.empty() ? "  no parameters\n" : params_text(item.params));
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
  out["build_id"] = file.build_id;
  return out;
}

std::string toml_header(Kind kind) {
  switch (kind) {
    case Kind::logger:
    case Kind::adapter:
      return std::string("[[") + name_of(kind) + "]]\n";
    case Kind::operation:
    case Kind::evaluator:
      return std::string("[[stage.") + name_of(kind) + "]]\n";
    default:
      return std::string("[") + name_of(kind) + "]\n";
  }
}

// Returns the keys that the program itself reads in an item's table.
std::string toml_core_keys(const ItemInfo& item) {
  if (item.kind == Kind::adapter)
    return "# paths of the layers; * stands for any text (list of strings)\ntargets = [\"blocks.*.attn.qkv\"]\n"
           "# also train the parameters below (true or false)\ntrain_base = false\n";
  if (item.kind == Kind::operation)
    return "# when = { every = 10 }  # or at_iter, loss_below, after_iters; without it after each: " +
           joined(names_of_events(item.events)) + "\n";
  return {};
}

std::string toml_param(const ParamSpec& p) {
  const std::string range = p.choices.empty() ? range_text(p) : "one of these";
  std::string out = "# " + p.doc + " (" + type_text(p) + (range.empty() ? "" : ", " + range) + ")\n";
  for (const Choice& c : p.choices) out += "#   " + to_toml(Value(c.text)) + (c.doc.empty() ? "" : ": " + c.doc) + "\n";
  return out + (p.fallback.empty() ? "# " + p.name + " =" + (p.required ? "  # required" : "") + "\n"
                                   : p.name + " = " + to_toml(p.fallback) + "\n");
}

// Returns the item's table for a pipeline file: keys with a default are set to it, the others are comments.
std::string info_toml(const ItemInfo& item) {
  std::string out = toml_header(item.kind) + "use = " + to_toml(Value(item.name)) + "\n" + toml_core_keys(item);
  for (const ParamSpec& p : item.params) out += toml_param(p);
  return out;
}

std::string info_markdown(const ItemInfo& item) {
  std::string out = std::string("## ") + name_of(item.kind) + "/" + item.name + "\n" + item.doc + "\n\n";
  return out + (item.params.empty() ? "No parameters.\n" : params_markdown(item.params));
}

// Returns the items meant by NAME, KIND/NAME or FILE.
std::vector<ItemInfo> items_of(const std::string& text, const Catalog& catalog) {
  const size_t slash = text.find('/');
  const std::string kind = slash == std::string::npos ? "" : text.substr(0, slash), name = text.substr(slash + 1);
  std::vector<ItemInfo> found;
  for (const ItemInfo& item : catalog.items())
    if (kind.empty() ? item.name == text : item.name == name && name_of(item.kind) == kind) found.push_back(item);
  if (!found.empty()) return found;
  if (slash != std::string::npos || text.ends_with(".so") || std::filesystem::is_regular_file(text))
    if (std::filesystem::exists(text) || text.ends_with(".so")) return read_plugin_file(text).items;

  for (const OptionalItem& item : optional_items())
    if (item.name == name && (kind.empty() || item.kind == kind))
      throw Error(Code::unknown_name, "no plugin offers '" + text + "'", item.hint);
  std::vector<std::string> names;
  for (const ItemInfo& item : catalog.items())
    names.push_back(kind.empty() ? item.name : name_of(item.kind) + ("/" + item.name));
  throw Error(Code::unknown_name, "no plugin offers '" + text + "'", did_you_mean(text, names, "see gptcore plugins list"));
}

std::string in_form(const ItemInfo& item, const std::string& form) {
  return form == "toml" ? info_toml(item) : form == "markdown" ? info_markdown(item) : info_text(item);
}

// `form` is "json", "toml", "markdown" or "".
void print_info(const std::vector<ItemInfo>& items, const std::string& form) {
  Json all = Json::array();
  std::string out;
  for (const ItemInfo& item : items) {
    if (form == "json")
      all.push_back(info_json(item));
    else
      out += (out.empty() ? "" : "\n") + in_form(item, form);
  }
  std::fputs(form == "json" ? (all.dump(2) + "\n").c_str() : out.c_str(), stdout);
}

std::string form_of(const VerbArguments& given) {
  std::string form;
  for (const char* name : {"json", "toml", "markdown"}) {
    if (!given.get<bool>(name)) continue;
    if (!form.empty()) throw Error(Code::usage, "--" + form + " and --" + name + " are both given");
    form = name;
  }
  return form;
}

}  // namespace

VerbOptions plugins_info_options() {
  VerbOptions options;
  options.visible.add_options()("json", po::bool_switch(), "print a JSON list with an object an item");
  options.visible.add_options()("toml", po::bool_switch(), "print a table for a pipeline file");
  options.visible.add_options()("markdown", po::bool_switch(), "print a section of a document");
  options.visible.add_options()("all", po::bool_switch(), "every item that can be found");
  options.positional.add_options()("name", po::value<std::string>());
  options.order.add("name", 1);
  return options;
}

std::vector<std::string> names_of_items() {
  Catalog core;
  add_core_items(core);
  std::vector<Error> refused;
  std::vector<std::string> names;
  const Catalog catalog = read_catalog({}, refused, std::move(core));
  for (const ItemInfo& item : catalog.items()) names.push_back(item.name);
  return names;
}

int plugins_info(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(plugins_info_options(), arguments);
  const auto name = given.get<std::string>("name");
  const bool all = given.get<bool>("all");
  const std::string form = form_of(given);
  if (name.empty() && !all) throw Error(Code::usage, "plugins info expects an item", "gptcore plugins info NAME, or --all");
  if (!name.empty() && all) throw Error(Code::usage, "--all and the item '" + name + "' are both given");
  Catalog core;
  add_core_items(core);
  std::vector<Error> refused;
  const Catalog catalog = read_catalog(plugin_files, refused, std::move(core));
  print_info(all ? by_kind_and_name(catalog.items()) : items_of(name, catalog), form);
  return report_refused(refused);
}

int show_plugins(const std::vector<std::string>& plugin_files) {
  Catalog core;
  add_core_items(core);
  std::vector<Error> refused, wrong;
  read_catalog(plugin_files, refused, std::move(core));
  std::vector<PluginFile> before;
  for (const std::string& file : plugin_files) {
    try {
      const PluginFile plugin = read_plugin_file(file);
      print_info(plugin.items, /*form=*/"");
      for (const Error& e : refused)
        if (e.where() == file) throw e;
      probe_plugin(plugin, before);
      before.push_back(plugin);
      std::printf("%s: would load\n", file.c_str());
    } catch (const Error& e) {
      wrong.push_back(e);
    }
  }
  std::fflush(stdout);
  if (!wrong.empty()) throw ConfigErrors(std::move(wrong));
  return 0;
}

}  // namespace gptcore
