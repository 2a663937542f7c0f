#include <sstream>
#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/verbs.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;

VerbOptions summary_options() {
  VerbOptions options;
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object");
  options.positional.add_options()("file", po::value<std::string>());
  options.order.add("file", 1);
  take_overrides(options);
  return options;
}

}  // namespace

std::string summary_help() {
  std::ostringstream out;
  out << "gptcore summary [FILE] [options] [--KEY=VALUE]...\nPrints the model's parameters with shapes, its memory and FLOPs.\n"
      << "Without a file the model is given by keys: gptcore summary --set model.preset=gpt2\n"
      << summary_options().visible;
  return out.str();
}

int summary_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(summary_options(), arguments);
  LoadRequest load{std::nullopt, given.overrides, plugin_files};
  if (given.values.count("file")) load.file = given.get<std::string>("file");
  const Pipeline pipeline = load_with_plugins(load);
  return engine().summary({pipeline.config, files_used(pipeline.config, pipeline.catalog), given.get<bool>("json")});
}

}  // namespace gptcore
