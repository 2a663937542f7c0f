// Reads and writes the weights of Hugging Face GPT-2 folders.
#pragma once

#include <filesystem>
#include <string>

#include "core/builtin/role_ids.h"
#include "core/interchange/gpt_tensors.h"
#include "core/interchange/tensor_bytes.h"

namespace gptcore {

class FileSystem;

// Fills the model, converting to float32. Throws the errors of HfFolder, and Error(checkpoint_mismatch) at the folder when
// tensors are missing, left over or of another shape or type, before anything is filled.
void load_hf_weights(FileSystem& files, const std::filesystem::path& folder, const GptWeights& weights);

// Throws the errors that load_hf_weights() would throw. Reads no weight but a head that must be the embedding.
void check_hf_weights(FileSystem& files, const std::filesystem::path& folder, const GptWeights& weights);

// Writes config.json, with the tokenizer's ids, and model.safetensors into the folder, which must exist.
void write_hf_folder(FileSystem& files, const std::filesystem::path& folder, const GptWeights& weights, FileType type,
                     const RoleIds& ids = {});

}  // namespace gptcore
