// config.json of a Hugging Face GPT-2 folder, as keys of [model] and back. No LibTorch here: the thin program reads it too.
#pragma once

#include <filesystem>
#include <string>

#include "core/interchange/role_ids.h"
#include "core/model/gpt_options.h"
#include "gptcore/value.h"

namespace gptcore {

// The keys of [model] that the folder's model fixes: n_layer, n_head, n_embd, n_hidden, block_size, vocab_size, bias, gelu,
// rotary. Throws Error(checkpoint_missing) when there is no such file, Error(checkpoint_corrupt) when it cannot be read,
// Error(model_shape) when it describes what the model "gpt" is not; each at the file's path.
Table read_hf_config(const std::filesystem::path& folder);

// Throws Error(checkpoint_mismatch), which says how to convert it, when `path` is a .pt file.
void refuse_pytorch_file(const std::filesystem::path& path);

// config.json as GPT2LMHeadModel has it. `options` has its vocab_size; `dtype` is float32, float16 or bfloat16.
std::string format_hf_config(const GptOptions& options, const std::string& dtype, const RoleIds& ids = {});

}  // namespace gptcore
