// The tokenizer's files of a Hugging Face folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/interchange/token_texts.h"
#include "core/interchange/tokenizer_form.h"

namespace gptcore {

class FileSystem;

// Makes generation_config.json where the tokenizer has ids for it to name. With a tokenizer.json also that file and
// tokenizer_config.json, and vocab.json, merges.txt and added_tokens.json where these say the same: they imply GPT-2's pattern.
void write_hf_tokenizer(FileSystem& files, const std::filesystem::path& folder, const TokenizerForm& form, int64_t block_size);

// The file that lists the folder's tokens: tokenizer.json, vocab.json or encoder.json (byte-level BPE), tokenizer.model or
// spiece.model (SentencePiece), vocab.txt (WordPiece), the first that is there; "" when there is none.
std::filesystem::path hf_tokens_file(FileSystem& files, const std::filesystem::path& folder);

// The tokens of that file by id and, unless it is tokenizer.json, those of added_tokens.json beside it. Throws
// Error(checkpoint_mismatch) at the file where its tokens cannot be told, or it is damaged.
std::vector<TokenText> read_hf_tokens(FileSystem& files, const std::filesystem::path& file);

}  // namespace gptcore
