#include <sstream>

#include "apps/gptcore/cli_options.h"
#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/verbs.h"
#include "core/plugin/probe.h"
#include "gptcore/error.h"

namespace gptcore {

namespace po = boost::program_options;

namespace {

CliOptions prepare_keys() {
  return cli_options(schema_of<PrepareOptions>())
      .describe("out", "DIR", "folder for the tokens; data/NAME without it, of the run's name");
}

// The options given, over those of the pipeline's prepare stage.
PrepareOptions options_of(const PipelineConfig& config, const VerbArguments& given) {
  Table values;
  for (const StageConfig& stage : config.stages)
    if (stage.kind == "prepare") values = stage.table.values;
  prepare_keys().read(given, values);
  PrepareOptions out;
  schema_of<PrepareOptions>().assign(values, out);
  return out;
}

}  // namespace

VerbOptions prepare_options() {
  VerbOptions options;
  prepare_keys().add_to(options);
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object with the folder and its manifest");
  options.positional.add_options()("file", po::value<std::string>());
  options.order.add("file", 1);
  take_overrides(options);
  return options;
}

std::string prepare_help() {
  std::ostringstream out;
  out << "gptcore prepare FILE [options] [--KEY=VALUE]...\nWrites a pipeline's dataset as files of tokens. Interrupted, the "
         "same command goes on where it stood; a complete folder that was damaged since is made whole.\n"
      << prepare_options().visible;
  return out.str();
}

int prepare_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(prepare_options(), arguments);
  if (!given.values.count("file")) throw Error(Code::usage, "prepare expects a pipeline file", "gptcore prepare FILE");
  const Pipeline pipeline = load_with_plugins({given.get<std::string>("file"), given.overrides, plugin_files});
  if (!pipeline.config.dataset)
    throw Error(Code::missing_key, "there is no [dataset] to prepare", "add [dataset] with use = \"jsonl\" and files",
                given.get<std::string>("file"));
  PrepareRequest request{pipeline.config, files_used(pipeline.config, pipeline.catalog), options_of(pipeline.config, given),
                         given.get<bool>("json")};
  probe_files(request.plugin_files);
  return call(&EngineTable::prepare, request);
}

}  // namespace gptcore
