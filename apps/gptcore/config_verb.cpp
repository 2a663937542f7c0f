#include <algorithm>
#include <cstdio>
#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/verbs.h"
#include "core/config/explain.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;

const std::vector<std::string> kActions = {"check", "show", "explain"};

VerbOptions config_options() {
  VerbOptions options;
  options.positional.add_options()("action", po::value<std::string>());
  options.positional.add_options()("file", po::value<std::string>());
  options.positional.add_options()("key", po::value<std::string>());
  options.order.add("action", 1).add("file", 1).add("key", 1);
  take_overrides(options);
  return options;
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
  std::printf("  type     %s%s%s\n", type_name(spec.type), spec.unit.empty() ? "" : " of ", spec.unit.c_str());
  std::printf("  default  %s\n", spec.required ? "none: it must be given" : shown(spec.fallback).c_str());
  if (spec.choices.empty()) {
    if (const std::string range = range_text(spec); !range.empty()) std::printf("  range    %s\n", range.c_str());
  }
  for (const Choice& choice : spec.choices) std::printf("  choice   %-12s %s\n", choice.text.c_str(), choice.doc.c_str());
}

}  // namespace

std::string config_help() {
  std::ostringstream out;
  out << "gptcore config check FILE [--KEY=VALUE]...          every mistake with its place\n"
      << "gptcore config show FILE [--KEY=VALUE]...           the complete pipeline file, defaults filled in\n"
      << "gptcore config explain FILE [KEY] [--KEY=VALUE]...  what keys mean and where their values come from\n"
      << config_options().visible;
  return out.str();
}

int config_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(config_options(), arguments);
  const auto action = given.get<std::string>("action"), file = given.get<std::string>("file"),
             key = given.get<std::string>("key");
  if (std::find(kActions.begin(), kActions.end(), action) == kActions.end())
    throw Error(Code::usage, action.empty() ? "config wants an action" : "config has no action '" + action + "'",
                did_you_mean(action, kActions, "there are " + listed(kActions)));
  if (file.empty())
    throw Error(Code::usage, "config " + action + " wants a pipeline file", "gptcore config " + action + " FILE");
  if (action != "explain" && !key.empty()) throw Error(Code::usage, "config " + action + " takes one file");

  const Pipeline pipeline = load_with_plugins({file, given.overrides, plugin_files});
  if (action == "check") {
    std::printf("%s: ok\n", file.c_str());
  } else if (action == "show") {
    std::fputs(pipeline.config.to_toml().c_str(), stdout);
  } else if (key.empty()) {
    for (const Explanation& item : explain(pipeline.config, pipeline.catalog)) print_line(item);
  } else {
    for (const Explanation& item : explain(pipeline.config, pipeline.catalog, key)) print_fully(item);
  }
  return 0;
}

}  // namespace gptcore
