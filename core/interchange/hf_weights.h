// Weights of Hugging Face GPT-2 folders, in and out.
#pragma once

#include <filesystem>
#include <string>

#include "core/interchange/gpt_tensors.h"
#include "core/interchange/role_ids.h"
#include "core/interchange/tensor_bytes.h"

namespace gptcore {

class FileSystem;

// Fills the model, converting to float32. Throws what HfFolder throws, and Error(checkpoint_mismatch) at the folder when
// tensors are missing, left over or of another shape or type, before anything is filled.
void load_hf_weights(FileSystem& files, const std::filesystem::path& folder, const GptWeights& weights);

// Whether load_hf_weights() would go well: reads no weight but a head that must be the embedding. Throws what it throws.
void check_hf_weights(FileSystem& files, const std::filesystem::path& folder, const GptWeights& weights);

// Makes config.json, with the tokenizer's ids, and model.safetensors in the folder, which is there.
void write_hf_folder(FileSystem& files, const std::filesystem::path& folder, const GptWeights& weights, FileType type,
                     const RoleIds& ids = {});

}  // namespace gptcore
