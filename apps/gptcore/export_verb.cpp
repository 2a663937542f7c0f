// gptcore export: writes a checkpoint's model as a folder that other tools read.
#include <algorithm>
#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/verbs.h"
#include "core/base/file_system.h"
#include "core/checkpoint/checkpoint.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {

namespace po = boost::program_options;

VerbOptions export_options() {
  VerbOptions options;
  options.visible.add_options()("format", po::value<std::string>()->default_value("hf")->value_name("hf|llmc|gguf"),
                                "Hugging Face's folder, llm.c's model.bin, or ggml's model.gguf");
  options.visible.add_options()("to", po::value<std::string>()->value_name("DIR"), "folder to make");
  options.visible.add_options()("dtype", po::value<std::string>()->default_value("f32")->value_name("f32|f16|bf16"),
                                "type of the weights");
  options.visible.add_options()("adapters", po::value<std::string>()->default_value("merge")->value_name("merge|keep"),
                                "add adapters to the weights, or write them beside them as adapters.safetensors (hf)");
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object");
  options.positional.add_options()("from", po::value<std::string>());
  options.order.add("from", 1);
  return options;
}

namespace {

std::string choice(const VerbArguments& given, const char* option, const std::vector<std::string>& choices) {
  auto value = given.get<std::string>(option);
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    throw Error(Code::usage, std::string("'--") + option + "' has no '" + value + "'",
                did_you_mean(value, choices, "there are " + listed(choices)));
  return value;
}

}  // namespace

std::string export_help() {
  std::ostringstream out;
  out << "gptcore export RUN|CHECKPOINT --to DIR [options]\nWrites a model for other tools, reads it back, and prints the "
         "largest "
         "difference of its logits.\n"
      << export_options().visible;
  return out.str();
}

int export_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(export_options(), arguments);
  ExportRequest request;
  if (!given.values.count("from"))
    throw Error(Code::usage, "export expects a run's or checkpoint's folder", "gptcore export runs/NAME --to DIR");
  request.to = given.get<std::string>("to");
  if (request.to.empty()) throw Error(Code::usage, "export expects --to DIR, the folder to make", "--to gpt2-hf");
  request.format = choice(given, "format", {"hf", "llmc", "gguf"});
  request.dtype = choice(given, "dtype", {"f32", "f16", "bf16"});
  request.json = given.get<bool>("json");
  request.keep_adapters = choice(given, "adapters", {"merge", "keep"}) == "keep";
  const auto files = posix_file_system();
  const auto from = given.get<std::string>("from");
  const Checkpoint picked = open_checkpoint(*files, from, Pick::best);
  request.checkpoint = picked.directory.string();
  request.picked = told_of_pick(*files, from, picked, "exported");
  const Pipeline pipeline = load_with_plugins({request.checkpoint + "/config.toml", {}, plugin_files});
  request.config = pipeline.config;
  request.plugin_files = files_used(pipeline.config, pipeline.catalog);
  return call(&EngineTable::export_model, request);
}

}  // namespace gptcore
