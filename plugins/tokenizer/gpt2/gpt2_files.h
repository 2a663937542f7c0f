// GPT-2's two files: encoder.json (token -> id) and vocab.bpe (a version line, then a merge a line).
#pragma once

#include <string>

#include "bpe/vocabulary.h"

// The file's bytes. Throws Error(data_missing).
std::string read_file(const std::string& path);
// Throws Error(data_missing), or Error(data_corrupt) with the file and what does not fit.
gptcore::bpe::Vocabulary read_gpt2_files(const std::string& encoder_json, const std::string& vocab_bpe);
