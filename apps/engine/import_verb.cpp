// A checkpoint with the weights that model.init_from names, as if a run had just begun.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/engine/verbs.h"
#include "core/base/file_system.h"
#include "core/builtin/model_preset.h"
#include "core/checkpoint/run_folder.h"
#include "core/model/gpt.h"
#include "core/pipeline/initial_weights.h"
#include "core/pipeline/run_state.h"
#include "core/pipeline/session.h"
#include "core/pipeline/source_tokens.h"
#include "core/pipeline/tensor_files.h"
#include "gptcore/error.h"

namespace gptcore {

int import_verb(const ImportRequest& request) {
  auto options = request.config.run.as<RunOptions>();
  options.device = "cpu";
  const auto files = posix_file_system();
  if (holds_run(*files, request.to))
    throw Error(Code::run_exists, "the folder already holds a run", "give another one with --to", request.to);
  Session session(options, request.plugin_files);
  session.open_tokenizer(request.config, *files, nullptr);
  if (session.tokenizer && !session.tokenizer->ready())
    throw Error(Code::usage, "the tokenizer '" + request.config.tokenizer->use + "' learns its vocabulary from a dataset",
                "name one that has its vocabulary, or leave tokenizer.use out", request.config.tokenizer->location.text());
  const std::filesystem::path source = parse_init_from(request.config.model.as<GptOptions>().init_from).path;
  const std::string vocabulary = vocabulary_in(*files, source);
  std::vector<int32_t> shown;
  if (!vocabulary.empty()) {
    const std::string where = (source / kVocabularyFile).string();
    StoredVocabulary stored = parse_vocabulary(vocabulary, where);
    shown = stored.ids;
    if (session.tokenizer)
      session.tokenizer = std::make_unique<ShownTokenizer>(std::move(session.tokenizer), std::move(stored), where);
  }
  session.open_model(request.config);
  const std::vector<Parameter> parameters = session.model->parameters();
  const auto seed = static_cast<uint64_t>(options.seed);
  init_parameters(parameters, seed);  // rows of padding
  const TokensHere here = tokens_here(session, *files, std::move(shown), /*tells=*/true);
  session.host.log(Level::info, load_initial_weights(*files, request.config.model, *session.model, here, seed));

  const RunFolder folder = open_run_folder(*files, request.to, "never", /*overwrite=*/false);
  SavedState state;
  state.settings = settings_of(request.config);
  state.structure = session.structure;
  state.vocab_size = session.model->vocab_size();
  std::vector<at::Tensor> keep;
  std::vector<CheckpointPart> parts;
  parts.push_back(tensor_part("model.safetensors", named_tensors(parameters), keep));
  parts.push_back({"state.json", format_state(state)});
  parts.push_back({"config.toml", request.config.started().to_toml()});
  if (session.tokenizer) parts.push_back({kTokenizerFile, session.tokenizer->save()});
  if (!vocabulary.empty()) parts.push_back({kVocabularyFile, vocabulary});
  const Checkpoint made = CheckpointStore(*files, request.to).publish(0, parts);

  int64_t count = 0;
  for (const Parameter& p : parameters) count += p.tensor.numel();
  if (request.json) {
    const nlohmann::ordered_json object = {{"run", request.to},
                                           {"checkpoint", made.directory.string()},
                                           {"parameters", count},
                                           {"tokenizer", session.tokenizer != nullptr}};
    std::printf("%s\n", object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    return 0;
  }
  std::printf("%s: %lld parameters, %s\n", made.directory.c_str(), static_cast<long long>(count),
              session.tokenizer ? "tokenizer" : "no tokenizer: '--set tokenizer.use=NAME' gives one");
  return 0;
}

}  // namespace gptcore
