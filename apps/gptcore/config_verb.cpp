// gptcore config: checks a pipeline file, shows it with its defaults, explains it.
#include <toml++/toml.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/json_output.h"
#include "apps/gptcore/param_tables.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/verbs.h"
#include "core/base/message.h"
#include "core/config/config_errors.h"
#include "core/config/explain.h"
#include "core/config/input_files.h"
#include "core/config/owner.h"
#include "core/options/run_options.h"
#include "core/plugin/manifest.h"
#include "gptcore/error.h"
#include "gptcore/json.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

VerbOptions config_options() {
  VerbOptions options;
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object");
  options.positional.add_options()("file", po::value<std::string>());
  options.order.add("file", 1);
  take_overrides(options);
  return options;
}

VerbOptions explain_options() {
  VerbOptions options = config_options();
  options.positional.add_options()("key", po::value<std::string>());
  options.order.add("key", 1);
  return options;
}

VerbOptions keys_options() {
  VerbOptions options;
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object");
  options.visible.add_options()("markdown", po::bool_switch(), "sections of a document");
  return options;
}

// Returns the pipeline that an action's arguments name.
Pipeline pipeline_of(const VerbArguments& given, const std::string& action, const std::vector<std::string>& plugin_files) {
  if (!given.values.count("file"))
    throw Error(Code::usage, "config " + action + " expects a pipeline file", "gptcore config " + action + " FILE");
  LoadRequest load{given.get<std::string>("file"), given.overrides, plugin_files};
  load.for_run = load.check_files = action == "check";
  return load_with_plugins(load);
}

// Returns how many of the keys were given.
int64_t given_keys(const Section& section) {
  return std::count_if(section.origins.begin(), section.origins.end(),
                       [](const Origin& origin) { return origin.source != Source::default_value; });
}

bool gives(const Section& section, const std::string& key) {
  for (size_t i = 0; i < section.values.size(); ++i)
    if (section.values[i].first == key) return section.origins[i].source != Source::default_value;
  return false;
}

// Returns whether something is left that only plugins or the model can tell: names of layers, rules over several keys, what
// small data holds. That check needs LibTorch, which costs half a second.
bool needs_plugins(const PipelineConfig& config, const Catalog& catalog) {
  const auto has_rules = [](const Section& section) { return given_keys(section) > 1; };
  const auto asks = [](const StageConfig& stage) {
    return stage.kind != "train" || !stage.operations.empty() || !stage.evaluators.empty() ||
           gives(stage.table, "tokens_per_step");
  };
  const ItemInfo* dataset = catalog.find(Kind::dataset, config.dataset->use);
  return !config.tokenizer || given_keys(*config.tokenizer) > 0 || has_rules(*config.dataset) || !config.adapters.empty() ||
         gives(config.run, "out_dir") || (dataset && bytes_named(config.dataset->values, dataset->params) <= kMostRead) ||
         config.model.use != "gpt" || gives(config.model, "vocab_size") || gives(*config.dataset, "source") ||
         std::any_of(config.loggers.begin(), config.loggers.end(), has_rules) ||
         std::any_of(config.stages.begin(), config.stages.end(), asks) || gives(config.model, "init_from") ||
         config.run.as<RunOptions>().device.starts_with("cuda");
}

// With --json, prints the mistakes on standard output too, as for people on standard error.
int check(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(config_options(), arguments);
  const auto file = given.get<std::string>("file");
  const bool json = given.get<bool>("json");
  try {
    const Pipeline pipeline = pipeline_of(given, "check", plugin_files);
    if (needs_plugins(pipeline.config, pipeline.catalog))
      call(&EngineTable::check, CheckRequest{pipeline.config, files_used(pipeline.config, pipeline.catalog)});
  } catch (const ConfigErrors& e) {
    Json errors = Json::array();
    for (const Error& error : e.errors()) errors.push_back(Json::parse(error_line(error, {.json = true})));
    if (json) print_json({{"file", file}, {"ok", false}, {"errors", errors}});
    throw;
  }
  if (json)
    print_json({{"file", file}, {"ok", true}, {"errors", Json::array()}});
  else
    std::printf("%s: ok\n", file.c_str());
  return 0;
}

int show(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(config_options(), arguments);
  const std::string text = pipeline_of(given, "show", plugin_files).config.to_toml();
  if (given.get<bool>("json"))
    std::cout << toml::json_formatter(toml::parse(text)) << "\n" << std::flush;
  else
    std::fputs(text.c_str(), stdout);
  return 0;
}

std::string shown(const Value& value) {
  return value.empty() ? "(not set)" : to_toml(value);
}

void print_line(const Explanation& item) {
  std::printf("%s = %s  # %s\n", item.path.c_str(), shown(item.value).c_str(), item.origin.text().c_str());
}

void print_fully(const Explanation& item) {
  const ParamSpec& spec = item.spec;
  std::printf("%s = %s\n  %s\n", item.path.c_str(), shown(item.value).c_str(), spec.doc.c_str());
  std::printf("  from     %s\n", item.origin.text().c_str());
  std::printf("  type     %s\n", type_text(spec).c_str());
  std::printf("  default  %s\n", spec.required ? "none: it must be given" : shown(spec.fallback).c_str());
  if (spec.choices.empty()) {
    if (const std::string range = range_text(spec); !range.empty()) std::printf("  range    %s\n", range.c_str());
  }
  for (const Choice& choice : spec.choices) std::printf("  choice   %-12s %s\n", choice.text.c_str(), choice.doc.c_str());
}

Json json_of(const Explanation& item) {
  return {{"key", item.path},
          {"value", to_json<Json>(item.value)},
          {"from", item.origin.text()},
          {"parameter", gptcore::json_of(item.spec)}};
}

int explain(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(explain_options(), arguments);
  const auto key = given.get<std::string>("key");
  const Pipeline pipeline = pipeline_of(given, "explain", plugin_files);
  const std::vector<Explanation> items = key.empty() ? gptcore::explain(pipeline.config, pipeline.catalog)
                                                     : gptcore::explain(pipeline.config, pipeline.catalog, key);
  if (given.get<bool>("json")) {
    Json keys = Json::array();
    for (const Explanation& item : items) keys.push_back(json_of(item));
    print_json({{"file", given.get<std::string>("file")}, {"keys", keys}});
    return 0;
  }
  for (const Explanation& item : items) (key.empty() ? print_line : print_fully)(item);
  return 0;
}

int keys(const std::vector<std::string>& arguments, const std::vector<std::string>&) {
  const VerbArguments given = parse_arguments(keys_options(), arguments);
  const bool markdown = given.get<bool>("markdown");
  if (given.get<bool>("json")) {
    Json tables = Json::array();
    for (const CoreTable& table : core_tables()) {
      Json params = Json::array();
      for (const ParamSpec& spec : table.params) params.push_back(gptcore::json_of(spec));
      tables.push_back({{"table", table.header}, {"doc", table.doc}, {"parameters", params}});
    }
    print_json({{"tables", tables}});
    return 0;
  }
  for (const CoreTable& table : core_tables()) {
    const std::string text = markdown ? "## " + table.header + "\n" + table.doc + "\n\n" + params_markdown(table.params)
                                      : table.header + ": " + table.doc + "\n" + params_text(table.params);
    std::printf("%s\n", text.c_str());
  }
  return 0;
}

}  // namespace

const std::vector<Action>& config_actions() {
  static const std::vector<Action> all = {
      {"check", "FILE [--json] [--KEY=VALUE]...", "every mistake with its place", config_options, check},
      {"show", "FILE [--json] [--KEY=VALUE]...", "the complete pipeline file, defaults filled in", config_options, show},
      {"explain", "FILE [KEY] [--json] [--KEY=VALUE]...", "what keys mean and where their values come from", explain_options,
       explain},
      {"keys", "[--json|--markdown]", "every key of [run], [[stage]] and the program's other tables", keys_options, keys},
  };
  return all;
}

int config_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  return run_action("config", config_actions(), arguments, plugin_files);
}

}  // namespace gptcore
