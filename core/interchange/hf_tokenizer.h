// The tokenizer's files of a Hugging Face folder.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/interchange/tokenizer_form.h"

namespace gptcore {

class FileSystem;

// Makes generation_config.json where the tokenizer has ids for it to name. With a tokenizer.json also that file and
// tokenizer_config.json, and vocab.json, merges.txt and added_tokens.json where these say the same: they imply GPT-2's pattern.
void write_hf_tokenizer(FileSystem& files, const std::filesystem::path& folder, const TokenizerForm& form, int64_t block_size);

}  // namespace gptcore
