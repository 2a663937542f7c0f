#include <algorithm>
#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/verbs.h"
#include "core/options/train_options.h"
#include "core/plugin/lock_file.h"
#include "core/plugin/probe.h"
#include "gptcore/error.h"

namespace gptcore {

namespace po = boost::program_options;

VerbOptions run_options() {
  VerbOptions options;
  options.visible.add_options()("resume", po::value<std::string>()->default_value("auto")->value_name("auto|never|PATH"),
                                "go on where the run's folder stands, start anew, or go on from a checkpoint");
  options.visible.add_options()("allow-arch-change", po::bool_switch(),
                                "resume though [model] differs from the checkpoint's: what fits is kept");
  options.visible.add_options()("overwrite", po::bool_switch(), "move an existing run aside instead of refusing");
  options.visible.add_options()(
      "quiet,q", po::bool_switch(),
      "nothing on the terminal but warnings and errors, and the results of a pipeline that does not train");
  options.visible.add_options()("locked", po::bool_switch(), "refuse plugins that are not as in gptcore.lock beside FILE");
  options.positional.add_options()("file", po::value<std::string>());
  options.order.add("file", 1);
  take_overrides(options);
  return options;
}

namespace {

bool trains(const PipelineConfig& config) {
  return std::any_of(config.stages.begin(), config.stages.end(), [](const StageConfig& stage) {
    return stage.kind == "train" && !std::get<TrainOptions>(stage.options).eval_only;
  });
}

// Removes the terminal's logger or, when the pipeline only measures and samples, leaves it only the results.
void quieten(RunRequest& request, const Catalog& catalog) {
  const auto is_terminal = [&](const Section& logger) {
    const ItemInfo* item = catalog.find(Kind::logger, logger.use);
    return item && item->name == kTerminalLogger;
  };
  auto& loggers = request.config.loggers;
  const auto terminal = std::find_if(loggers.begin(), loggers.end(), is_terminal);
  if (terminal == loggers.end()) return;
  if (trains(request.config))
    std::erase_if(loggers, is_terminal);
  else
    request.results_only = terminal->use;
}

}  // namespace

std::string run_help() {
  std::ostringstream out;
  out << "gptcore run FILE [options] [--KEY=VALUE]...\nRuns the stages of a pipeline file.\n" << run_options().visible;
  return out.str();
}

int run_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(run_options(), arguments);
  if (!given.values.count("file")) throw Error(Code::usage, "run expects a pipeline file", "gptcore run FILE");
  LoadRequest load{given.get<std::string>("file"), given.overrides, plugin_files};
  load.for_run = true;
  const Pipeline pipeline = load_with_plugins(load);
  RunRequest request;
  request.config = pipeline.config;
  request.quiet = given.get<bool>("quiet");
  if (request.quiet) quieten(request, pipeline.catalog);
  request.plugin_files = files_used(request.config, pipeline.catalog);
  if (given.get<bool>("locked")) require_locked(request.plugin_files, lock_path_of(given.get<std::string>("file")));
  probe_files(request.plugin_files);
  request.resume = given.get<std::string>("resume");
  request.allow_arch_change = given.get<bool>("allow-arch-change");
  request.overwrite = given.get<bool>("overwrite");
  return call(&EngineTable::run, request);
}

}  // namespace gptcore
