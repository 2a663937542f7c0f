#include "apps/gptcore/verbs.h"

#include <cstdio>

#include "apps/gptcore/help.h"
#include "apps/gptcore/inspect_verb.h"
#include "apps/gptcore/plugins_verb.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

std::vector<std::string> names_of_verbs() {
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) names.emplace_back(verb.name);
  return names;
}

std::string help_on_help() {
  return "gptcore help [VERB [ACTION]]\nPrints the help on the program, on a verb or on its action.\n";
}

VerbOptions no_options() {
  return {};
}

}  // namespace

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = {
      {"run", "runs a pipeline file: train, evaluate, sample", nullptr, run_help, run_options, run_verb},
      {"prepare", "writes a pipeline's dataset as files of tokens", nullptr, prepare_help, prepare_options, prepare_verb},
      {"data", "what files of tokens hold", data_actions, nullptr, nullptr, data_verb},
      {"plan", "what a pipeline's operations will do to model and training", nullptr, plan_help, pipeline_options, plan_verb},
      {"sample", "writes text with a trained model", nullptr, sample_help, sample_options, sample_verb},
      {"tokenize", "turns text into token ids, and back", nullptr, tokenize_help, tokenize_options, tokenize_verb},
      {"summary", "a model's parameters, memory and FLOPs", nullptr, summary_help, pipeline_options, summary_verb},
      {"export", "a model as a folder that other tools read", nullptr, export_help, export_options, export_verb},
      {"import", "a Hugging Face GPT-2 folder as a checkpoint", nullptr, import_help, import_options, import_verb},
      {"inspect", "what a checkpoint or safetensors file holds", nullptr, inspect_help, inspect_options, inspect_verb},
      {"bench", "times a training step", nullptr, bench_help, bench_options, bench_verb, bench_cases},
      {"config", "checks, shows or explains a pipeline file", config_actions, nullptr, nullptr, config_verb},
      {"plugins", "lists plugins and describes what they offer", plugins_actions, nullptr, nullptr, plugins_verb},
      {"help", "help on the program, a verb or an action", nullptr, help_on_help, no_options, help_verb, names_of_verbs},
  };
  return all;
}

const Verb& find_verb(const std::string& name) {
  static const Verb complete = {"complete", "", nullptr, nullptr, nullptr, complete_verb};  // for shells, not for people
  if (name == complete.name) return complete;
  for (const Verb& verb : verbs())
    if (verb.name == name) return verb;
  throw Error(Code::usage, "no verb '" + name + "'",
              did_you_mean(name, names_of_verbs(), "there are " + listed(names_of_verbs())));
}

int help_verb(const std::vector<std::string>& arguments, const std::vector<std::string>&) {
  if (arguments.size() > 2) throw Error(Code::usage, "help takes a verb and an action", "gptcore help VERB ACTION");
  const std::string help = help_on(arguments.empty() ? "" : arguments[0], arguments.size() < 2 ? "" : arguments[1]);
  std::fputs(help.c_str(), stdout);
  return 0;
}

}  // namespace gptcore
