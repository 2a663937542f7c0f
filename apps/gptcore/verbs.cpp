#include "apps/gptcore/verbs.h"

#include "apps/gptcore/inspect_verb.h"
#include "apps/gptcore/plugins_verb.h"

namespace gptcore {
const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = {
      {"run", "runs a pipeline file: train, evaluate, sample", run_help, run_verb},
      {"prepare", "writes a pipeline's dataset as files of tokens", prepare_help, prepare_verb},
      {"data", "what files of tokens hold", data_help, data_verb},
      {"plan", "what a pipeline's operations will do to model and training", plan_help, plan_verb},
      {"sample", "writes text with a trained model", sample_help, sample_verb},
      {"tokenize", "turns text into token ids, and back", tokenize_help, tokenize_verb},
      {"summary", "a model's parameters, memory and FLOPs", summary_help, summary_verb},
      {"export", "a model as a folder that other tools read", export_help, export_verb},
      {"import", "a Hugging Face GPT-2 folder as a checkpoint", import_help, import_verb},
      {"inspect", "what a checkpoint or safetensors file holds", nullptr,
       [](const std::vector<std::string>& arguments, const std::vector<std::string>&) { return inspect_verb(arguments); }},
      {"bench", "times a training step", bench_help, bench_verb},
      {"config", "checks, shows or explains a pipeline file", config_help, config_verb},
      {"plugins", "lists plugins and describes what they offer", plugins_help, plugins_verb},
  };
  return all;
}

}  // namespace gptcore
