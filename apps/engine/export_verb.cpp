// Exports a checkpoint's model in the format of another tool.
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/engine/verbs.h"
#include "core/base/file_system.h"
#include "core/interchange/export.h"
#include "core/pipeline/adapter_files.h"
#include "core/pipeline/run_state.h"
#include "core/pipeline/session.h"
#include "core/pipeline/source_tokens.h"
#include "core/pipeline/tensor_files.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

GptOptions options_of(const PipelineConfig& config, const Structure& structure, const Network& network) {
  if (config.model.use != "gpt")
    throw Error(Code::model_shape, "the model \"" + config.model.use + "\" has no other tool's format",
                "only the model \"gpt\" can be exported");
  Section section = config.model;
  put_all(section.values, structure.keys);
  auto options = section.as<GptOptions>();
  options.vocab_size = network.vocab_size();
  return options;
}

// Returns the number of rows to export. Rows without a token are left out: other programs would draw them.
int64_t exported_tokens(const GptOptions& model, const Tokenizer* tokenizer) {
  return tokenizer && tokenizer->ready() ? std::min(model.vocab_size, tokenizer->vocab_size()) : model.vocab_size;
}

at::Tensor parameter_of(const std::vector<Parameter>& parameters, const std::string& name) {
  const auto found = std::find_if(parameters.begin(), parameters.end(), [&](const Parameter& p) { return p.name == name; });
  if (found == parameters.end()) throw Error(Code::internal, "the model has no parameter '" + name + "'");
  return found->tensor.detach();
}

// Adds to the layer's weight what its adapter adds to the layer's output.
void merge(Session& session, const AdapterInfo& info) {
  const at::NoGradGuard no_grad;
  const std::vector<Parameter> parameters = session.model->parameters();
  const std::vector<Layer> layers = session.model->layers();
  const auto layer = std::find_if(layers.begin(), layers.end(), [&](const Layer& l) { return l.path == info.layer; });
  at::Tensor weight = parameter_of(parameters, info.layer + ".weight");
  const std::shared_ptr<Adapter> adapter = session.maker.adapter(info, layer->kind, weight);
  for (const Parameter& p : adapter->parameters())
    p.tensor.detach().copy_(parameter_of(parameters, adapter_prefix(info) + p.name));
  weight.add_(adapter->delta());
}

// Returns false for an adapter on an embedding that is tied to the head, which would change with it.
bool is_mergeable(const std::vector<AdapterInfo>& adapters, const GptOptions& model) {
  return !model.tie_word_embeddings ||
         std::none_of(adapters.begin(), adapters.end(), [](const AdapterInfo& info) { return info.layer == "wte"; });
}

void require_mergeable(const std::vector<AdapterInfo>& adapters, const GptOptions& model) {
  if (!is_mergeable(adapters, model))
    throw Error(Code::model_shape, "the adapter of 'wte' cannot be merged: the head is tied to wte and would change, too",
                "--format hf --adapters keep writes it beside the model");
}

// Returns what the reader of the files should know, a sentence each.
std::vector<std::string> notes_on(const Exported& made, const GptOptions& options, int64_t rows, size_t adapters, bool keep) {
  std::vector<std::string> notes;
  if (rows > options.vocab_size)
    notes.push_back("the vocabulary is the tokenizer's " + std::to_string(options.vocab_size) + " tokens: the model's other " +
                    std::to_string(rows - options.vocab_size) + " rows are left out");
  if (!options.bias) notes.emplace_back("the model has no biases: they are zeros in the files");
  if (!made.note.empty()) notes.push_back(made.note);
  if (adapters > 0) notes.push_back(std::to_string(adapters) + " adapters " + (keep ? "in adapters.safetensors" : "merged"));
  return notes;
}

void print(const ExportRequest& request, const Exported& made, const std::vector<std::string>& notes) {
  if (request.json) {
    const nlohmann::ordered_json object = {{"folder", request.to},   {"format", request.format},
                                           {"dtype", request.dtype}, {"files", made.files},
                                           {"bytes", made.bytes},    {"largest_logit_difference", made.logit_difference},
                                           {"notes", notes}};
    std::printf("%s\n", object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    return;
  }
  std::string names;
  for (const std::string& name : made.files) names += (names.empty() ? "" : ", ") + name;
  std::printf("%s: %s; %s, %.1f MiB\n", request.to.c_str(), names.c_str(), request.dtype.c_str(),
              static_cast<double>(made.bytes) / (1 << 20));
  for (const std::string& note : notes) std::printf("%s\n", note.c_str());
  std::printf("read back: largest logit difference %.3g\n", made.logit_difference);
}

}  // namespace

int export_verb(const ExportRequest& request) {
  const auto files = posix_file_system();
  const Checkpoint checkpoint{request.checkpoint, read_checkpoint_manifest(*files, request.checkpoint)};
  auto options = request.config.run.as<RunOptions>();
  options.device = "cpu";
  options.precision = "float32";
  Session session(options, request.plugin_files);
  if (!request.picked.empty()) session.host.log(Level::info, request.picked);
  session.structure = read_state(*files, checkpoint).structure;
  session.open_tokenizer(request.config, *files, &checkpoint);
  session.open_model(request.config);
  Network& network = *session.model;
  load_tensors(*files, checkpoint, "model.safetensors", named_tensors(network.parameters()));

  const ExportFormat format = request.format == "hf"     ? ExportFormat::hf
                              : request.format == "llmc" ? ExportFormat::llmc
                                                         : ExportFormat::gguf;
  const FileType type = request.dtype == "f32" ? FileType::f32 : request.dtype == "f16" ? FileType::f16 : FileType::bf16;
  GptOptions model = options_of(request.config, session.structure, network);
  model.vocab_size = exported_tokens(model, session.tokenizer.get());
  require_expressible(format, model, type);
  const std::vector<AdapterInfo> adapters = network.adapters();
  const bool keep = request.keep_adapters && !adapters.empty();
  if (!keep) require_mergeable(adapters, model);
  if (keep && format != ExportFormat::hf)
    throw Error(Code::usage, request.format + " has no place for adapters",
                is_mergeable(adapters, model) ? "--adapters merge, or --format hf" : "--format hf");

  at::Tensor wanted;
  if (!keep) wanted = probe_logits(network, model.vocab_size);
  for (const AdapterInfo& info : adapters) {
    if (!keep) merge(session, info);
    network.set_adapter(info.layer, nullptr);
  }
  if (keep) wanted = probe_logits(network, model.vocab_size);
  ExportTarget target{request.to, format, type, {}, {}, {}};
  if (session.tokenizer) target.tokenizer = form_of(*session.tokenizer);
  if (checkpoint.has(kVocabularyFile)) target.vocabulary = checkpoint.text(*files, kVocabularyFile);
  if (keep) {
    std::vector<int32_t> shown;
    if (!target.vocabulary.empty()) shown = parse_vocabulary(target.vocabulary, request.checkpoint).ids;
    target.add = [&, tokens = tokens_hash(session.tokenizer.get(), shown)](const std::filesystem::path& folder) {
      write_adapters(*files, folder / "adapters.safetensors", network.parameters(), adapters, session.structure.keys, tokens);
    };
  }
  const Exported made = export_model(*files, network, model, target, wanted);

  print(request, made, notes_on(made, model, network.vocab_size(), adapters.size(), keep));
  return 0;
}

}  // namespace gptcore
