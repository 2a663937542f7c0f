// Text from a checkpoint, streamed to standard output as it is made.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/engine/chosen_tokenizer.h"
#include "apps/engine/verbs.h"
#include "core/base/file_system.h"
#include "core/builtin/core_items.h"
#include "core/config/load.h"
#include "core/interchange/token_texts.h"
#include "core/pipeline/prompt.h"
#include "core/pipeline/run_state.h"
#include "core/pipeline/session.h"
#include "core/pipeline/shown_tokenizer.h"
#include "core/pipeline/tensor_files.h"
#include "core/pipeline/text_generation.h"
#include "core/pipeline/way_back.h"
#include "core/plugin/search.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

PipelineConfig config_of(const Checkpoint& checkpoint, const SampleRequest& request, std::vector<std::string>& plugin_files) {
  LoadRequest file;
  file.file = (checkpoint.directory / "config.toml").string();
  file.plugin_files = request.plugin_files;
  const PipelineLoader loader(file);
  std::vector<Error> refused;
  Catalog core;
  add_core_items(core);
  const NamedPlugins named = loader.plugins();
  const Catalog catalog = read_catalog(named.files, refused, std::move(core), named.replace);
  if (!refused.empty() && !request.plugin_files.empty()) throw refused.front();
  PipelineConfig config = loader.load(catalog);
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
  events.piece = [](size_t, std::string_view) { return std::ferror(stdout) == 0; };
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

void allow_special(PipelineConfig& config) {
  if (!config.tokenizer) return;
  for (auto& [key, value] : config.tokenizer->values)
    if (key == "allowed_special") {
      value = "all";
      return;
    }
  throw Error(Code::usage, "the tokenizer '" + config.tokenizer->use + "' has no special tokens that a text can name",
              "leave --allow-special out");
}

// Where only the dataset knew how many tokens there are, the embedding tells it.
void take_vocabulary(FileSystem& files, const Checkpoint& checkpoint, const PipelineConfig& config, Structure& structure) {
  const Value* given = find(config.model.values, "vocab_size");
  if (config.model.use != "gpt" || !given || *given != Value(int64_t{0}) || find(structure.keys, "vocab_size")) return;
  const SafetensorsFile stored = checkpoint.tensors(files, "model.safetensors");
  if (const TensorInfo* table = stored.find("wte.weight")) put(structure.keys, "vocab_size", table->shape.front());
}

void require_room(const Tokenizer& tokenizer, const Model& model) {
  if (tokenizer.vocab_size() > model.vocab_size())
    throw Error(Code::conflict,
                "the tokenizer has " + std::to_string(tokenizer.vocab_size()) + " tokens, and the model " +
                    std::to_string(model.vocab_size()),
                "name the tokenizer that the model was trained with");
}

// The tokenizer that the command names in place of the model's own, for the model's numbers of tokens; a warning says where
// these are of other tokens than the model has learned.
void choose_tokenizer(Session& session, const TokenizerChoice& choice, FileSystem& files, const Checkpoint& checkpoint) {
  const std::unique_ptr<Tokenizer> own = std::move(session.tokenizer);
  open_chosen_tokenizer(session, choice, files);
  if (checkpoint.has(kVocabularyFile) && !dynamic_cast<ShownTokenizer*>(session.tokenizer.get())) {
    const std::string where = checkpoint.directory.string();
    StoredVocabulary shown = parse_vocabulary(checkpoint.text(files, kVocabularyFile), where);
    session.tokenizer = std::make_unique<ShownTokenizer>(std::move(session.tokenizer), std::move(shown), where);
  }
  require_room(*session.tokenizer, *session.model);
  if (!own) return;
  const std::vector<int64_t> ids = matching_ids(token_texts(*own), token_texts(*session.tokenizer));
  int64_t others = 0;
  for (size_t id = 0; id < ids.size(); ++id) others += ids[id] != static_cast<int64_t>(id);
  if (others > 0)
    session.host.log(Level::warning, "of the " + std::to_string(ids.size()) + " tokens of the run's own tokenizer " +
                                         std::to_string(others) +
                                         " have another number, or none, in that of --tokenizer: its texts are not what the "
                                         "model has learned");
}

// The same error at the checkpoint, with another one of its run whose weights are numbers where there is one.
[[noreturn]] void blame(const Error& e, FileSystem& files, const std::filesystem::path& folder) {
  const auto sound = sound_checkpoint(files, folder.parent_path());
  const bool another = sound && sound->filename() != folder.filename();
  throw Error(e.code(), e.what(),
              "its weights are NaN or too large; " + (another ? "sample another checkpoint: " + sound->string()
                                                              : "train again with a lower learning_rate, or import it anew"),
              folder.string());
}

}  // namespace

int sample_verb(const SampleRequest& request) {
  const auto files = posix_file_system();
  const Checkpoint checkpoint = open_checkpoint(*files, request.from, Pick::best);
  std::vector<std::string> plugin_files;
  PipelineConfig config = config_of(checkpoint, request, plugin_files);
  auto options = config.run.as<RunOptions>();
  options.device = request.device;
  if (request.tokenizer)
    for (const std::string& file : request.tokenizer->plugin_files)
      if (std::find(plugin_files.begin(), plugin_files.end(), file) == plugin_files.end()) plugin_files.push_back(file);
  Session session(options, plugin_files);
  if (const std::string told = told_of_pick(*files, request.from, checkpoint, "sampled"); !told.empty())
    session.host.log(Level::info, told);
  session.structure = read_state(*files, checkpoint).structure;
  if (request.allow_special && !request.tokenizer) allow_special(config);
  session.open_tokenizer(config, *files, &checkpoint);
  if (!session.tokenizer && !request.tokenizer)
    throw Error(Code::missing_key, "the run has no tokenizer, so its tokens have no text",
                "name it: --tokenizer NAME or --tokenizer DIR", checkpoint.directory.string());
  if (!session.tokenizer) take_vocabulary(*files, checkpoint, config, session.structure);
  session.open_model(config);
  load_tensors(*files, checkpoint, "model.safetensors", named_tensors(session.model->parameters()));

  if (request.tokenizer) {
    TokenizerChoice choice = *request.tokenizer;
    if (request.allow_special) allow_special(choice.config);
    choose_tokenizer(session, choice, *files, checkpoint);
  }

  std::vector<std::string> prompts;
  for (const std::string& given : request.prompts) prompts.push_back(prompt_text(given));
  const TextRequest texts = text_request(request.options, std::move(prompts), request.seed);
  PlainText plain{texts};
  const TextEvents events = request.json ? json_lines(texts) : plain_text(plain);
  try {
    generate_texts(*session.model, session.device, *session.tokenizer, texts, events);
  } catch (const Error& e) {
    if (e.code() == Code::nonfinite) blame(e, *files, checkpoint.directory);
    throw;
  }
  if (!request.json) std::fputs("\n", stdout);
  return 0;
}

}  // namespace gptcore
