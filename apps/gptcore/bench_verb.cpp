#include <algorithm>
#include <filesystem>
#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/option_values.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/verbs.h"
#include "core/options/run_options.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;

const std::vector<std::string> kCases = {"cpu-baby", "char", "gpt2-124m", "gpt2-124m-t1024"};

}  // namespace

VerbOptions bench_options() {
  VerbOptions options;
  options.visible.add_options()("threads", po::value<int64_t>()->default_value(0), "CPU threads; 0 = all");
  options.visible.add_options()("steps", po::value<int64_t>()->default_value(0), "timed updates; 0 = as many as the case has");
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object");
  options.positional.add_options()("case", po::value<std::string>());
  options.order.add("case", 1);
  take_overrides(options);
  return options;
}

std::vector<std::string> bench_cases() {
  return kCases;
}

std::string bench_help() {
  std::ostringstream out;
  out << "gptcore bench CASE|FILE [options]\nTimes a training step. Cases: " << listed(kCases) << "; or a pipeline file's.\n"
      << bench_options().visible;
  return out.str();
}

int bench_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(bench_options(), arguments);
  const auto name = given.get<std::string>("case");
  if (name.empty()) throw Error(Code::usage, "bench expects a case or a pipeline file", "cases: " + listed(kCases));
  BenchRequest request;
  request.threads = given.get<int64_t>("threads");
  request.steps = given.get<int64_t>("steps");
  request.json = given.get<bool>("json");
  require_fit<RunOptions>("threads", request.threads);
  require_at_least("steps", 0, request.steps);

  if (std::find(kCases.begin(), kCases.end(), name) != kCases.end()) {
    if (!given.overrides.empty())
      throw Error(Code::bad_override, "a named case has fixed values", "use a pipeline file", given.overrides[0].written);
    request.name = name;
  } else if (std::filesystem::exists(name)) {
    request.config = load_with_plugins({name, given.overrides, plugin_files}).config;
  } else {
    throw Error(Code::usage, "no case and no file '" + name + "'", did_you_mean(name, kCases, "cases: " + listed(kCases)));
  }
  return call(&EngineTable::bench, request);
}

}  // namespace gptcore
