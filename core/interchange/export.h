// Exports a model as a folder that other tools read. The folder is made under another name, read back, compared, and only then
// renamed.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/interchange/gpt_tensors.h"
#include "core/interchange/tensor_bytes.h"
#include "core/interchange/tokenizer_form.h"

namespace gptcore {

class FileSystem;

enum class ExportFormat { hf, llmc, gguf };

// Returns the logits (B, T, tokens) of a fixed batch of the first `tokens`, without dropout.
at::Tensor probe_logits(Model& model, int64_t tokens);

// Throws Error(model_shape), which says what the format has no place for, or Error(usage) for a type that the format lacks.
void require_expressible(ExportFormat format, const GptOptions& options, FileType type);

struct ExportTarget {
  std::filesystem::path to;  // the folder to make, which must not exist
  ExportFormat format = ExportFormat::hf;
  FileType type = FileType::f32;
  std::optional<TokenizerForm> tokenizer;  // exported when the format has a place for it
  std::string vocabulary;                  // the text of kVocabularyFile; "" when rows are those of the tokenizer's ids
  std::function<void(const std::filesystem::path&)> add;  // may make further files in that folder
};

struct Exported {
  std::vector<std::string> files;  // in the folder
  uint64_t bytes = 0;
  double logit_difference = 0;  // the largest one between the model and the model read back
  std::string note;             // on the tokenizer: why it is missing, or where the other tool's differs; "" = nothing to say
};

// Exports the first options.vocab_size rows of the vocabulary; `wanted` are the model's probe_logits() of these. The model ends
// with the weights that were read back, rounded to the target's type. On failure nothing is left. Throws Error(io),
// Error(disk_full), or Error(internal) when the model read back computes something else.
Exported export_model(FileSystem& files, Model& model, const GptOptions& options, const ExportTarget& target,
                      const at::Tensor& wanted);

}  // namespace gptcore
