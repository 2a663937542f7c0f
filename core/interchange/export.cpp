#include "core/interchange/export.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/interchange/gguf_file.h"
#include "core/interchange/hf_tokenizer.h"
#include "core/interchange/hf_weights.h"
#include "core/interchange/llmc_file.h"
#include "core/model/vocabulary.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

// Tolerance of logits, relative to the largest one: allows for rounding of merged adapters, far below any mistake in a tensor.
constexpr double kTolerance = 1e-3;

void write_hf(FileSystem& files, const fs::path& folder, const GptWeights& weights, const ExportTarget& target) {
  write_hf_folder(files, folder, weights, target.type, target.tokenizer ? target.tokenizer->ids : RoleIds());
  if (target.tokenizer) write_hf_tokenizer(files, folder, *target.tokenizer, weights.options().block_size);
}

void write(FileSystem& files, const fs::path& folder, const GptWeights& weights, const ExportTarget& target,
           const GgufTokenizer& tokenizer) {
  switch (target.format) {
    case ExportFormat::hf:
      return write_hf(files, folder, weights, target);
    case ExportFormat::llmc:
      return write_llmc_file(files, folder / "model.bin", weights, target.type);
    case ExportFormat::gguf:
      return write_gguf_file(files, folder / "model.gguf", weights, target.type, tokenizer);
  }
}

void read_back(FileSystem& files, const fs::path& folder, const GptWeights& weights, const ExportTarget& target,
               const GgufTokenizer& tokenizer) {
  switch (target.format) {
    case ExportFormat::hf:
      return load_hf_weights(files, folder, weights);
    case ExportFormat::llmc:
      return read_llmc_file(files, folder / "model.bin", weights);
    case ExportFormat::gguf:
      return read_gguf_file(files, folder / "model.gguf", weights, target.type, tokenizer);
  }
}

std::string note_on(const ExportTarget& target, const GgufTokenizer& tokenizer) {
  if (!target.vocabulary.empty())
    return "the model knows a part of the tokenizer's tokens, by numbers of its own: other programs take these numbers and no "
           "texts, and " +
           std::string(kVocabularyFile) + " has the tokenizer's id of each";
  if (target.format == ExportFormat::gguf) return tokenizer.note;
  const bool lost = target.format == ExportFormat::hf && target.tokenizer && target.tokenizer->json.empty();
  return lost ? "there is no tokenizer.json: Hugging Face's library has no form of the run's tokenizer that is written here"
              : "";
}

// Sets all parameters to NaN: what is not read back stays NaN, and so do the logits.
void forget(Model& model) {
  const at::NoGradGuard no_grad;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Parameter& p : model.parameters()) at::Tensor(p.tensor.detach()).fill_(nan);
}

double largest_difference(const at::Tensor& got, const at::Tensor& wanted, FileType type) {
  const double difference = (got - wanted).abs().max().item<double>(), size = wanted.abs().max().item<double>();
  if (!std::isfinite(difference))
    throw Error(
        Code::nonfinite, "the model's logits are not finite",
        type == FileType::f16 ? "its weights may be beyond float16: use --dtype bf16 or f32" : "the checkpoint holds NaN");
  if (type == FileType::f32 && difference > kTolerance * size)
    throw Error(Code::internal,
                "what was written gives other logits than the model: they differ by " + std::to_string(difference));
  return difference;
}

}  // namespace

at::Tensor probe_logits(Model& model, int64_t tokens) {
  constexpr int64_t kTexts = 2, kTokens = 32;
  const at::NoGradGuard no_grad;
  model.train(false);
  const int64_t T = std::min(kTokens, model.block_size());
  // The ids spread over the vocabulary without repeating a pattern of the positions.
  const at::Tensor ids = (at::arange(kTexts * T, at::kLong) * 7919 + 13).remainder(tokens).view({kTexts, T});
  const std::vector<Parameter> parameters = model.parameters();
  return model.logits(ids.to(parameters.front().tensor.device())).narrow(-1, 0, tokens).to(at::kCPU);
}

void require_expressible(ExportFormat format, const GptOptions& o, FileType type) {
  const auto refuse = [](const std::string& what, const std::string& hint) { throw Error(Code::model_shape, what, hint); };
  if (o.rotary)
    refuse("the model has rotary positions, and GPT-2's formats have only learned ones", "train with rotary = false");
  if (format == ExportFormat::hf) return;
  const std::string name = format == ExportFormat::llmc ? "llm.c" : "GGUF's gpt2";
  if (o.gelu != "tanh")
    refuse("the model has gelu = \"" + o.gelu + "\", and " + name + " has only tanh",
           "use --format hf, or train a new run with model.gelu = \"tanh\"");
  if (format != ExportFormat::llmc) return;
  if (o.n_hidden > 0 && o.n_hidden != 4 * o.n_embd)
    refuse("the model has n_hidden = " + std::to_string(o.n_hidden) + ", and llm.c has only 4 n_embd",
           "use --format hf or gguf");
  if (!o.tie_word_embeddings)
    refuse("the model's head is not tied to its embedding, and llm.c's is", "use --format hf or gguf");
  if (type == FileType::f16) throw Error(Code::usage, "llm.c has no float16", "--dtype f32 or bf16");
}

Exported export_model(FileSystem& files, Model& model, const GptOptions& options, const ExportTarget& target,
                      const at::Tensor& wanted) {
  require_expressible(target.format, options, target.type);
  const fs::path folder = fs::absolute(target.to / ".").lexically_normal().parent_path();
  if (files.kind(folder) != FileKind::absent)
    throw Error(Code::run_exists, "something is there already", "give another folder, or remove it", folder.string());
  fs::path temporary = folder;
  temporary += ".tmp";
  const GptWeights weights(options, model.parameters());
  GgufTokenizer tokenizer;
  if (target.format == ExportFormat::gguf && target.tokenizer && target.vocabulary.empty())
    tokenizer = gguf_tokenizer(*target.tokenizer, options.vocab_size);
  const std::vector<fs::path> made = make_directories(files, folder.parent_path());
  Exported out;
  out.note = note_on(target, tokenizer);
  try {
    remove_tree(files, temporary);  // left by a process that was killed
    files.make_directory(temporary);
    write(files, temporary, weights, target, tokenizer);
    if (!target.vocabulary.empty()) write_file_atomically(files, temporary / kVocabularyFile, target.vocabulary);
    if (target.add) target.add(temporary);
    forget(model);
    read_back(files, temporary, weights, target, tokenizer);
    out.logit_difference = largest_difference(probe_logits(model, options.vocab_size), wanted, target.type);
    for (const FileEntry& entry : files.list(temporary)) {
      out.files.push_back(entry.name);
      out.bytes += files.open(temporary / entry.name)->size();
    }
    files.sync_directory(temporary);
    files.rename_new(temporary, folder);
  } catch (...) {
    try {
      remove_tree(files, temporary);
    } catch (const Error&) {  // the first failure is the one to report
    }
    remove_directories(files, made);
    throw;
  }
  files.sync_directory(folder.parent_path());
  return out;
}

}  // namespace gptcore
