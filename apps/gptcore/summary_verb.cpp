#include <sstream>
#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/verbs.h"

namespace gptcore {
std::string summary_help() {
  std::ostringstream out;
  out << "gptcore summary [FILE] [options] [--KEY=VALUE]...\nPrints the model's parameters with shapes, its memory and FLOPs.\n"
      << "Without a file the model is given by keys: gptcore summary --set model.preset=gpt2\n"
      << pipeline_options().visible;
  return out.str();
}

int summary_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(pipeline_options(), arguments);
  LoadRequest load{std::nullopt, given.overrides, plugin_files};
  if (given.values.count("file")) load.file = given.get<std::string>("file");
  const Pipeline pipeline = load_with_plugins(load);
  return call(&EngineTable::summary,
              SummaryRequest{pipeline.config, files_used(pipeline.config, pipeline.catalog), given.get<bool>("json")});
}

}  // namespace gptcore
