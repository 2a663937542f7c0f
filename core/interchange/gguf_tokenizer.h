// The tokenizer.ggml.* keys of a GGUF file, as llama.cpp reads them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/interchange/tokenizer_form.h"

namespace gptcore {

struct GgufTokenizer {
  std::string model = "none";       // "gpt2" for byte-level BPE, "llama" for SentencePiece; "none": the file has no tokenizer
  std::string pre;                  // llama.cpp's name of the pattern that cuts a text; "" where there is none
  std::vector<std::string> tokens;  // by id
  std::vector<int32_t> types;       // as many, of ggml's numbers
  std::vector<float> scores;        // as many, or none
  std::vector<std::string> merges;
  std::vector<std::pair<std::string, uint32_t>> ids;  // "bos_token_id" -> id
  std::vector<std::pair<std::string, bool>> flags;    // "add_bos_token" -> whether
  std::string note;  // what a user must know: why there is none, or where llama.cpp differs; "" when nothing
};

// `vocab_size` is the model's, which llama.cpp wants to be the tokenizer's. What llama.cpp cannot be is "none".
GgufTokenizer gguf_tokenizer(const TokenizerForm& form, int64_t vocab_size);

}  // namespace gptcore
