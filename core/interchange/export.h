// A model as a folder that other tools read: made under another name, read back, compared, and only then renamed.
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

// The logits (B, T, tokens) of a fixed batch of the first `tokens`, without dropout.
at::Tensor probe_logits(Model& model, int64_t tokens);

// What the format has no place for. Throws Error(model_shape) saying so, or Error(usage) for a type it does not have.
void require_expressible(ExportFormat format, const GptOptions& options, FileType type);

struct ExportTarget {
  std::filesystem::path to;  // the folder to make, which must not be there
  ExportFormat format = ExportFormat::hf;
  FileType type = FileType::f32;
  std::optional<TokenizerForm> tokenizer;                 // goes with the model where the format has a place for it
  std::string vocabulary;                                 // of kVocabularyFile; "" where rows are of the tokenizer's ids
  std::function<void(const std::filesystem::path&)> add;  // may make further files in the folder it is given
};

struct Exported {
  std::vector<std::string> files;  // in the folder
  uint64_t bytes = 0;
  double logit_difference = 0;  // the largest one between the model and what was read back
  std::string note;             // on the tokenizer: why it is not there, or where the other tool's differs; "" when all is well
};

// The first options.vocab_size rows of the vocabulary are exported; `wanted` are the model's probe_logits() of these. The model
// ends with the weights that were read back, rounded to the target's type. On failure nothing is left. Throws Error(io),
// Error(disk_full), or Error(internal) when what was read back does not compute what the model did.
Exported export_model(FileSystem& files, Model& model, const GptOptions& options, const ExportTarget& target,
                      const at::Tensor& wanted);

}  // namespace gptcore
