// gptcore import: makes a checkpoint of another tool's model.
#include <filesystem>
#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/verbs.h"
#include "gptcore/error.h"

namespace gptcore {

namespace po = boost::program_options;
namespace fs = std::filesystem;

VerbOptions import_options() {
  VerbOptions options;
  options.visible.add_options()("to", po::value<std::string>()->value_name("RUN_FOLDER"),
                                "run folder to make the checkpoint in; runs/ and the name of DIR without it");
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object");
  options.positional.add_options()("dir", po::value<std::string>());
  options.order.add("dir", 1);
  take_overrides(options);
  return options;
}

namespace {

bool names_tokenizer(const std::vector<Override>& overrides) {
  for (const Override& item : overrides)
    if (item.text.starts_with("tokenizer.use")) return true;
  return false;
}

bool has_tokenizer(const fs::path& dir) {
  std::error_code none;
  return fs::exists(dir / "tokenizer.json", none) ||
         (fs::exists(dir / "vocab.json", none) && fs::exists(dir / "merges.txt", none));
}

}  // namespace

std::string import_help() {
  std::ostringstream out;
  out << "gptcore import DIR [--to RUN_FOLDER] [--KEY=VALUE]...\nMakes a checkpoint of a Hugging Face GPT-2 folder: "
         "config.json and "
         "model.safetensors.\nIts tokenizer.json, or its vocab.json and merges.txt, become the run's tokenizer; "
         "--set tokenizer.use=NAME gives another.\n"
      << import_options().visible;
  return out.str();
}

int import_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(import_options(), arguments);
  if (!given.values.count("dir")) throw Error(Code::usage, "import expects a folder", "gptcore import DIR");
  const fs::path dir = fs::absolute(fs::path(given.get<std::string>("dir")) / ".").lexically_normal().parent_path();
  const std::string written = "import " + dir.string();
  LoadRequest load{std::nullopt, {{"model.init_from=" + to_toml(Value("hf:" + dir.string())), written}}, plugin_files};
  if (!names_tokenizer(given.overrides) && has_tokenizer(dir)) {
    load.overrides.push_back({"tokenizer.use=\"gpt2\"", written});
    load.overrides.push_back({"tokenizer.dir=" + to_toml(Value(dir.string())), written});
  }
  load.overrides.insert(load.overrides.end(), given.overrides.begin(), given.overrides.end());
  const Pipeline pipeline = load_with_plugins(load);
  ImportRequest request;
  request.config = pipeline.config;
  request.plugin_files = files_used(pipeline.config, pipeline.catalog);
  request.to = given.values.count("to") ? given.get<std::string>("to") : (fs::path("runs") / dir.filename()).string();
  request.json = given.get<bool>("json");
  return call(&EngineTable::import_model, request);
}

}  // namespace gptcore
