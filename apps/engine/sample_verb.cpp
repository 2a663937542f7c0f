// Text from a checkpoint, streamed to standard output as it is made.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/engine/verbs.h"
#include "core/base/file_system.h"
#include "core/config/core_items.h"
#include "core/config/load.h"
#include "core/pipeline/prompt.h"
#include "core/pipeline/run_state.h"
#include "core/pipeline/session.h"
#include "core/pipeline/tensor_files.h"
#include "core/pipeline/text_generation.h"
#include "core/plugin/search.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

PipelineConfig config_of(const Checkpoint& checkpoint, const SampleRequest& request, std::vector<std::string>& plugin_files) {
  LoadRequest load;
  load.file = (checkpoint.directory / "config.toml").string();
  load.plugin_files = request.plugin_files;
  std::vector<Error> refused;
  Catalog core;
  add_core_items(core);
  const Catalog catalog = read_catalog(plugins_of(load), refused, std::move(core));
  if (!refused.empty() && !request.plugin_files.empty()) throw refused.front();
  PipelineConfig config = load_pipeline(load, catalog);
  plugin_files = files_used(config, catalog);
  return config;
}

// Prompt and text as they come, texts apart by a line.
struct PlainText {
  const TextRequest& request;
  size_t begun = 0;

  void begin(size_t index) {
    if (index < begun) return;
    begun = index + 1;
    if (index > 0) std::fputs("\n---------------\n", stdout);
    std::fputs(request.prompts[index / static_cast<size_t>(request.num_samples)].c_str(), stdout);
  }
  bool piece(size_t index, std::string_view text) {
    begin(index);
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  }
};

TextEvents plain_text(PlainText& out) {
  return {[&out](size_t index, std::string_view text) { return out.piece(index, text); },
          [&out](size_t index, const GeneratedText&) { out.begin(index); }};
}

TextEvents json_lines(const TextRequest& request) {
  TextEvents events;
  events.done = [&request](size_t, const GeneratedText& text) {
    nlohmann::ordered_json tokens = nlohmann::ordered_json::array(), log_probabilities = tokens;
    for (const NextToken& c : text.tokens) {
      tokens.push_back(c.token);
      log_probabilities.push_back(c.log_probability);
    }
    const nlohmann::ordered_json object = {{"prompt", request.prompts[text.prompt]},
                                           {"sample", text.sample},
                                           {"text", text.text},
                                           {"finish_reason", text.stopped ? "stop" : "length"},
                                           {"tokens", tokens},
                                           {"log_probabilities", log_probabilities}};
    std::printf("%s\n", object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    std::fflush(stdout);
  };
  return events;
}

}  // namespace

int sample_verb(const SampleRequest& request) {
  const auto files = posix_file_system();
  const Checkpoint checkpoint = open_checkpoint(*files, request.from);
  std::vector<std::string> plugin_files;
  const PipelineConfig config = config_of(checkpoint, request, plugin_files);
  auto options = config.run.as<RunOptions>();
  options.device = request.device;
  Session session(options, plugin_files);
  session.structure = read_state(*files, checkpoint).structure;
  session.open_tokenizer(config, *files, &checkpoint);
  if (!session.tokenizer)
    throw Error(Code::missing_key, "the run has no tokenizer, so its tokens have no text", "train with a [tokenizer]",
                checkpoint.directory.string());
  session.open_model(config);
  load_tensors(*files, checkpoint, "model.safetensors", named_tensors(session.model->parameters()));

  TextRequest texts;
  for (const std::string& given : request.prompts) texts.prompts.push_back(prompt_text(given));
  texts.num_samples = request.num_samples;
  texts.max_new_tokens = request.max_new_tokens;
  texts.stop = request.stop;
  texts.sampling = {request.temperature, request.top_k, request.top_p, request.repetition_penalty, request.seed};
  PlainText plain{texts};
  const TextEvents events = request.json ? json_lines(texts) : plain_text(plain);
  generate_texts(*session.model, session.device, *session.tokenizer, texts, events);
  if (!request.json) std::fputs("\n", stdout);
  return 0;
}

}  // namespace gptcore
