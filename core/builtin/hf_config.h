// Converts config.json of a Hugging Face GPT-2 folder to keys of [model] and back. No LibTorch: the thin program needs it too.
#pragma once

#include <filesystem>
#include <string>

#include "core/builtin/role_ids.h"
#include "core/options/gpt_options.h"
#include "gptcore/value.h"

namespace gptcore {

// Returns the keys of [model] that the folder's model fixes: n_layer, n_head, n_embd, n_hidden, block_size, vocab_size, bias,
// tie_word_embeddings, gelu, rotary. Throws Error(checkpoint_missing) when folder or file is absent, Error(checkpoint_corrupt)
// when the file is not a JSON object, Error(model_shape) when it describes a model that "gpt" cannot be, and what
// refuse_pytorch_file() throws; each names the path.
Table read_hf_config(const std::filesystem::path& folder);

// Throws Error(checkpoint_mismatch), which says how to convert it, when `path` is a .pt file.
void refuse_pytorch_file(const std::filesystem::path& path);

// Returns config.json as GPT2LMHeadModel expects it. `options` has its vocab_size; `dtype` is float32, float16 or bfloat16.
std::string format_hf_config(const GptOptions& options, const std::string& dtype, const RoleIds& ids = {});

}  // namespace gptcore
