#include <algorithm>
#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/option_values.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/verbs.h"
#include "core/plugin/probe.h"
#include "gptcore/error.h"

namespace gptcore {

namespace po = boost::program_options;

VerbOptions prepare_options() {
  VerbOptions options;
  options.visible.add_options()("out", po::value<std::string>()->value_name("DIR"),
                                "folder for the tokens; data/NAME without it, of the run's name");
  options.visible.add_options()("format", po::value<std::string>()->value_name("gptcore|nanogpt|llmc|npy"),
                                "how they are laid out; gptcore without it");
  options.visible.add_options()("tokens-per-shard", po::value<int64_t>()->value_name("N"),
                                "size of a shard; 100000000 without it");
  options.visible.add_options()("threads", po::value<int64_t>()->value_name("N"), "threads that tokenize; 0 = all");
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object with the folder and its manifest");
  options.visible.add_options()("verify", po::bool_switch(),
                                "compares a complete folder by hash, not only by size, and rewrites what is damaged");
  options.positional.add_options()("file", po::value<std::string>());
  options.order.add("file", 1);
  take_overrides(options);
  return options;
}

namespace {

std::string with_hyphens(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return key;
}

// The options given, over those of the pipeline's prepare stage.
PrepareOptions options_of(const PipelineConfig& config, const VerbArguments& given) {
  const Schema<PrepareOptions> schema = schema_of<PrepareOptions>();
  Table values = schema.values({});
  for (const StageConfig& stage : config.stages)
    if (stage.kind == "prepare") values = stage.table.values;
  for (auto& [key, value] : values) {
    const std::string name = with_hyphens(key);
    if (!given.values.count(name)) continue;
    if (value.is<bool>()) {
      if (given.get<bool>(name.c_str())) value = true;
      continue;
    }
    value = value.is<int64_t>() ? Value(given.get<int64_t>(name.c_str())) : Value(given.get<std::string>(name.c_str()));
  }
  for (const ParamSpec& spec : schema.specs()) require_fit(with_hyphens(spec.name), spec, *find(values, spec.name));
  PrepareOptions out;
  schema.assign(values, out);
  return out;
}

}  // namespace

std::string prepare_help() {
  std::ostringstream out;
  out << "gptcore prepare FILE [options] [--KEY=VALUE]...\nWrites a pipeline's dataset as files of tokens. Interrupted, the "
         "same "
         "command goes on where it stood; a complete folder that was damaged since is made whole.\n"
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
