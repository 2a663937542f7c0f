#include <algorithm>
#include <iostream>
#include <iterator>
#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/option_values.h"
#include "apps/gptcore/tokenizer_choice.h"
#include "apps/gptcore/verbs.h"
#include "core/config/nanogpt.h"
#include "core/options/run_options.h"
#include "core/options/sample_options.h"
#include "gptcore/error.h"

namespace gptcore {

namespace po = boost::program_options;

VerbOptions sample_options() {
  const SampleRequest defaults;
  VerbOptions options;
  const auto add = [&](const char* name, const po::value_semantic* value, const char* doc) {
    options.visible.add_options()(name, value, doc);
  };
  add("prompt", po::value<std::vector<std::string>>()->value_name("TEXT|FILE:path|-"),
      "what the text starts with; - reads standard input; may be given more than once (default: a newline)");
  add("num-samples", po::value<int64_t>()->default_value(defaults.num_samples), "texts for each prompt");
  add("max-new-tokens", po::value<int64_t>()->default_value(defaults.max_new_tokens), "length of each");
  add("temperature", po::value<double>()->default_value(defaults.temperature, "0.8"),
      "above 1 wilder, below 1 safer, 0 = always the likeliest");
  add("top-k", po::value<int64_t>()->default_value(defaults.top_k), "choose among this many likeliest tokens, 0 = among all");
  add("top-p", po::value<double>()->default_value(defaults.top_p, "1"),
      "choose among the likeliest tokens that together have this probability");
  add("repetition-penalty", po::value<double>()->default_value(defaults.repetition_penalty, "1"),
      "above 1: tokens in the context become less likely");
  add("stop", po::value<std::vector<std::string>>()->value_name("TEXT"),
      "a text ends before this; may be given more than once");
  options.visible.add_options()("json", po::bool_switch(),
                                "a line of JSON for each text, with token ids and log-probabilities");
  const std::string doc = std::string("used in place of the run's: ") + kTokenizerDoc;
  add("tokenizer", po::value<std::string>()->value_name("NAME|DIR"), doc.c_str());
  options.visible.add_options()("allow-special", po::bool_switch(),
                                "texts of special tokens in prompts, as <|endoftext|>, stand for these tokens");
  add("start", po::value<std::string>()->value_name("TEXT"), "the same as --prompt, by nanoGPT's name");
  add("out-dir", po::value<std::string>()->value_name("RUN"), "the run, by nanoGPT's name");
  add("seed", po::value<int64_t>()->default_value(static_cast<int64_t>(defaults.seed)), "start of the random sequence");
  add("device", po::value<std::string>()->default_value(defaults.device), "auto | cpu | cuda | cuda:N");
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
  request.num_samples = given.get<int64_t>("num-samples");
  request.max_new_tokens = given.get<int64_t>("max-new-tokens");
  request.temperature = given.get<double>("temperature");
  request.top_k = given.get<int64_t>("top-k");
  request.device = given.get<std::string>("device");
  const int64_t seed = given.get<int64_t>("seed");
  request.seed = static_cast<uint64_t>(seed);

  require_fit<SampleOptions>("num-samples", request.num_samples);
  require_fit<SampleOptions>("max-new-tokens", request.max_new_tokens);
  require_fit<SampleOptions>("temperature", request.temperature);
  require_fit<SampleOptions>("top-k", request.top_k);
  request.top_p = given.get<double>("top-p");
  request.repetition_penalty = given.get<double>("repetition-penalty");
  request.stop = given.get<std::vector<std::string>>("stop");
  request.json = given.get<bool>("json");
  require_fit<SampleOptions>("top-p", request.top_p);
  require_fit<SampleOptions>("repetition-penalty", request.repetition_penalty);
  require_fit<RunOptions>("seed", seed);
  request.prompts = prompts(given);
  request.allow_special = given.get<bool>("allow-special");
  if (given.values.count("tokenizer"))
    request.tokenizer = choose_tokenizer(given.get<std::string>("tokenizer"), {}, plugin_files);
  return call(&EngineTable::sample, request);
}

}  // namespace gptcore
