#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/tokenizer_choice.h"
#include "apps/gptcore/verbs.h"
#include "gptcore/error.h"

namespace gptcore {

namespace po = boost::program_options;

VerbOptions tokenize_options() {
  VerbOptions options;
  options.overrides = true;
  options.visible.add_options()("tokenizer", po::value<std::string>()->value_name("NAME|DIR"), kTokenizerDoc);
  options.visible.add_options()("set", po::value<std::string>()->value_name("KEY=VALUE"), "a parameter of the tokenizer");
  options.visible.add_options()("count", po::bool_switch(), "print how many tokens there are");
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object with the ids and each token's text");
  options.visible.add_options()("decode", po::bool_switch(), "ids to text");
  options.visible.add_options()("jsonl", po::bool_switch(),
                                "a line {\"ids\"} for each line {\"text\"}; with --decode the other way round");
  options.positional.add_options()("file", po::value<std::string>());
  options.order.add("file", 1);
  return options;
}

namespace {

void check_modes(const TokenizeRequest& request) {
  const auto refuse = [](const char* one, const char* other) {
    throw Error(Code::usage, std::string(one) + " and " + other + " are both given", "leave one of them out");
  };
  if (request.json && request.jsonl) refuse("--json", "--jsonl");
  if (request.json && request.decode) refuse("--json", "--decode");
  if (request.json && request.count) refuse("--json", "--count");
  if (request.count && request.decode) refuse("--count", "--decode");
}

}  // namespace

std::string tokenize_help() {
  std::ostringstream out;
  out << "gptcore tokenize --tokenizer NAME|DIR [FILE|-] [options] [--KEY=VALUE]...\n"
      << "Prints the token ids of a text, which is standard input without FILE.\n"
      << tokenize_options().visible;
  return out.str();
}

int tokenize_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(tokenize_options(), arguments);
  const auto tokenizer = given.get<std::string>("tokenizer");
  if (tokenizer.empty()) throw Error(Code::usage, "tokenize expects --tokenizer NAME or --tokenizer DIR", "--tokenizer gpt2");
  TokenizeRequest request;
  request.count = given.get<bool>("count");
  request.json = given.get<bool>("json");
  request.decode = given.get<bool>("decode");
  request.jsonl = given.get<bool>("jsonl");
  if (given.values.count("file")) request.file = given.get<std::string>("file");
  check_modes(request);

  request.tokenizer = choose_tokenizer(tokenizer, given.overrides, plugin_files);
  return call(&EngineTable::tokenize, request);
}

}  // namespace gptcore
