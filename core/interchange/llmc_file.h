// llm.c's model file: 256 int32 of header, then the tensors of all layers kind by kind, float32 (version 3) or bfloat16 (5).
#pragma once

#include <filesystem>

#include "core/interchange/gpt_tensors.h"
#include "core/interchange/tensor_bytes.h"

namespace gptcore {

class FileSystem;

// Pads the embedding with rows of zeros to a multiple of 128, as llm.c does. `type` is f32 or bf16.
void write_llmc_file(FileSystem& files, const std::filesystem::path& path, const GptWeights& weights, FileType type);
// Fills the model. Throws Error(checkpoint_mismatch) unless the file is of exactly this model.
void read_llmc_file(FileSystem& files, const std::filesystem::path& path, const GptWeights& weights);

}  // namespace gptcore
