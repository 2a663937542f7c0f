#include <algorithm>
#include <iostream>
#include <iterator>
#include <sstream>

#include "apps/gptcore/cli_options.h"
#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/tokenizer_choice.h"
#include "apps/gptcore/verbs.h"
#include "core/config/nanogpt.h"
#include "core/options/run_options.h"
#include "core/options/sample_options.h"
#include "gptcore/error.h"

namespace gptcore {

namespace po = boost::program_options;

namespace {

CliOptions sample_keys() {
  return cli_options(schema_of<SampleOptions>())
      .without("prompt")  // here it may be given more than once
      .describe("num_samples", "N", "texts for each prompt");
}

CliOptions run_keys() {
  return cli_options(schema_of<RunOptions>())
      .only({"seed", "device"})
      .describe("seed", "N", "start of the random sequence")
      .describe("device", "NAME", "auto | cpu | cuda | cuda:N");
}

}  // namespace

VerbOptions sample_options() {
  VerbOptions options;
  const auto add = [&](const char* name, const po::value_semantic* value, const char* doc) {
    options.visible.add_options()(name, value, doc);
  };
  add("prompt", po::value<std::vector<std::string>>()->value_name("TEXT|FILE:path|-"),
      "what the text starts with; - reads standard input; may be given more than once (default: a newline)");
  sample_keys().add_to(options);
  add("json", po::bool_switch(), "a line of JSON for each text, with token ids and log-probabilities");
  const std::string doc = std::string("used in place of the run's: ") + kTokenizerDoc;
  add("tokenizer", po::value<std::string>()->value_name("NAME|DIR"), doc.c_str());
  add("allow-special", po::bool_switch(), "texts of special tokens in prompts, as <|endoftext|>, stand for these tokens");
  add("start", po::value<std::string>()->value_name("TEXT"), "the same as --prompt, by nanoGPT's name");
  add("out-dir", po::value<std::string>()->value_name("RUN"), "the run, by nanoGPT's name");
  run_keys().add_to(options);
  options.positional.add_options()("from", po::value<std::string>());
  options.order.add("from", 1);
  return options;
}

namespace {

// Without what nanoGPT's sample.py has and gptcore need not be told.
std::vector<std::string> understood(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  for (const std::string& argument : arguments) {
    std::string name = argument.substr(0, argument.find('='));
    std::replace(name.begin(), name.end(), '_', '-');
    if (argument == "--init_from=resume" || argument == "--init-from=resume") continue;
    if (name == "--init-from")
      throw Error(Code::usage, "no option '" + argument + "'",
                  "sample takes a run: gptcore import DIR makes one of a Hugging Face folder");
    const size_t equals = argument.find('=');
    if (name == "--compile" && equals != argument.npos)
      if (const auto known = nanogpt_key("compile", argument.substr(equals + 1)); known && known->message.empty()) continue;
    if (name == "--dtype" || name == "--compile")
      throw Error(Code::usage, "no option '" + argument + "'", "a run is sampled as it was trained: leave it out");
    out.push_back(argument);
  }
  return out;
}

std::string run_of(const VerbArguments& given) {
  if (given.values.count("from") && given.values.count("out-dir"))
    throw Error(Code::usage, "two folders are given, one by --out-dir", "leave one of them out");
  for (const char* name : {"from", "out-dir"})
    if (given.values.count(name)) return given.get<std::string>(name);
  throw Error(Code::usage, "sample expects a run's or checkpoint's folder", "gptcore sample runs/NAME");
}

std::vector<std::string> prompts(const VerbArguments& arguments) {
  auto given = arguments.get<std::vector<std::string>>("prompt");
  if (arguments.values.count("start")) {
    if (!given.empty()) throw Error(Code::usage, "--prompt and --start are both given", "leave one of them out");
    given.push_back(arguments.get<std::string>("start"));
  }
  if (given.empty()) given.push_back(SampleOptions().prompt);
  for (std::string& prompt : given)
    if (prompt == "-") prompt = std::string(std::istreambuf_iterator<char>(std::cin), {});
  return given;
}

}  // namespace

std::string sample_help() {
  std::ostringstream out;
  out << "gptcore sample RUN|CHECKPOINT [options]\nWrites text with a trained model.\n" << sample_options().visible;
  return out.str();
}

int sample_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(sample_options(), understood(arguments));
  SampleRequest request;
  request.from = run_of(given);
  request.plugin_files = plugin_files;
  Table sampling, run;
  sample_keys().read(given, sampling);
  run_keys().read(given, run);
  schema_of<SampleOptions>().assign(sampling, request.options);
  RunOptions options;
  schema_of<RunOptions>().assign(run, options);
  request.seed = static_cast<uint64_t>(options.seed);
  request.device = options.device;
  request.json = given.get<bool>("json");
  request.prompts = prompts(given);
  request.allow_special = given.get<bool>("allow-special");
  if (given.values.count("tokenizer"))
    request.tokenizer = choose_tokenizer(given.get<std::string>("tokenizer"), {}, plugin_files);
  return call(&EngineTable::sample, request);
}

}  // namespace gptcore
