// The tokenizer's files of a Hugging Face folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/interchange/tokenizer_form.h"

namespace gptcore {

class FileSystem;

// Makes generation_config.json where the tokenizer has ids for it to name. With a tokenizer.json also that file and
// tokenizer_config.json, and vocab.json, merges.txt and added_tokens.json where these say the same: they imply GPT-2's pattern.
void write_hf_tokenizer(FileSystem& files, const std::filesystem::path& folder, const TokenizerForm& form, int64_t block_size);

// The folder's tokens by id, as BpeForm has their texts: those of tokenizer.json, else of vocab.json and added_tokens.json.
// Throws Error at the file when the folder has neither, when it is damaged, or no byte-level BPE's.
std::vector<std::string> read_hf_tokens(FileSystem& files, const std::filesystem::path& folder);

}  // namespace gptcore
