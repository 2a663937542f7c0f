// Text from a checkpoint, streamed to standard output as it is made.
#include <cstdio>

#include "apps/engine/verbs.h"
#include "core/base/file_system.h"
#include "core/config/core_items.h"
#include "core/config/load.h"
#include "core/model/generate.h"
#include "core/pipeline/prompt.h"
#include "core/pipeline/run_state.h"
#include "core/pipeline/session.h"
#include "core/pipeline/tensor_files.h"
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

  const Sampling sampling{request.temperature, request.top_k, request.seed};
  const std::vector<std::string> prompts = request.prompts.empty() ? std::vector<std::string>{"\n"} : request.prompts;
  for (const std::string& given : prompts) {
    const std::string text = prompt_text(given);
    const std::vector<int32_t> prompt = session.tokenizer->encode(text);
    if (prompt.empty()) throw Error(Code::usage, "the prompt is empty", "give at least one character with --prompt");
    for (int64_t i = 0; i < request.num_samples; ++i) {
      if (i > 0 || &given != &prompts.front()) std::fputs("\n---------------\n", stdout);
      std::fputs(text.c_str(), stdout);
      generate(*session.model, session.device, prompt, request.max_new_tokens, sampling, i, [&](int32_t token) {
        const std::string piece = session.tokenizer->decode({&token, 1});
        return std::fwrite(piece.data(), 1, piece.size(), stdout) == piece.size() && std::fflush(stdout) == 0;
      });
    }
  }
  std::fputs("\n", stdout);
  return 0;
}

}  // namespace gptcore
