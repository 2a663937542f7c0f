// Reads and writes GGUF, version 3, of architecture gpt2: the format of ggml and llama.cpp.
#pragma once

#include <filesystem>

#include "core/interchange/gguf_tokenizer.h"
#include "core/interchange/gpt_tensors.h"
#include "core/interchange/tensor_bytes.h"

namespace gptcore {

class FileSystem;

// Positions, norms and biases stay float32, as ggml's own converters keep them.
void write_gguf_file(FileSystem& files, const std::filesystem::path& path, const GptWeights& weights, FileType type,
                     const GgufTokenizer& tokenizer = {});
// Fills the model. Throws Error(checkpoint_mismatch) unless everything before the data is as write_gguf_file() writes it.
void read_gguf_file(FileSystem& files, const std::filesystem::path& path, const GptWeights& weights, FileType type,
                    const GgufTokenizer& tokenizer = {});

}  // namespace gptcore
