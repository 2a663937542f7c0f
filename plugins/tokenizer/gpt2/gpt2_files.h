// Reads GPT-2's two files: encoder.json (token -> id) and vocab.bpe (a version line, then a merge per line). Hugging Face's
// folders have them as vocab.json and merges.txt.
#pragma once

#include <string>

#include "bpe/vocabulary.h"

// Returns the file's bytes. Throws Error(data_missing), also for a Git LFS pointer.
std::string read_file(const std::string& path);
// Lines may end with CR LF. Throws Error(data_missing), or Error(data_corrupt) with the file and what does not fit.
gptcore::bpe::Vocabulary read_gpt2_files(const std::string& encoder_json, const std::string& vocab_bpe);
// Reads vocab.json and merges.txt likewise and, when the folder has it, added_tokens.json (text -> id).
gptcore::bpe::Vocabulary read_hf_files(const std::string& folder);
