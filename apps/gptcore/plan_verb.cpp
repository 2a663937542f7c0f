#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/verbs.h"
#include "gptcore/error.h"

namespace gptcore {
std::string plan_help() {
  std::ostringstream out;
  out << "gptcore plan FILE [options] [--KEY=VALUE]...\nChecks every operation of a pipeline by carrying it out on a model "
         "without "
         "values, and prints\nwhen it is asked, what it changes, and the parameters and memory after it.\n"
      << pipeline_options().visible;
  return out.str();
}

int plan_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(pipeline_options(), arguments);
  if (!given.values.count("file")) throw Error(Code::usage, "plan expects a pipeline file", "gptcore plan FILE");
  LoadRequest load{given.get<std::string>("file"), given.overrides, plugin_files};
  load.for_run = load.check_files = true;
  const Pipeline pipeline = load_with_plugins(load);
  return call(&EngineTable::plan,
              PlanRequest{pipeline.config, files_used(pipeline.config, pipeline.catalog), given.get<bool>("json")});
}

}  // namespace gptcore
