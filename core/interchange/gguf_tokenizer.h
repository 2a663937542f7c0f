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
  std::string pre;                  // llama.cpp's name of the pattern that splits a text; "" = none
  std::vector<std::string> tokens;  // by id
  std::vector<int32_t> types;       // one per token, in ggml's numbers
  std::vector<float> scores;        // one per token, or none
  std::vector<std::string> merges;
  std::vector<std::pair<std::string, uint32_t>> ids;  // "bos_token_id" -> id
  std::vector<std::pair<std::string, bool>> flags;    // "add_bos_token" -> whether
  std::string note;  // for the user: why there is no tokenizer, or where llama.cpp differs; "" = nothing
};

// Returns model "none" for a tokenizer that llama.cpp cannot imitate. llama.cpp expects `vocab_size`, the model's, to be the
// tokenizer's.
GgufTokenizer gguf_tokenizer(const TokenizerForm& form, int64_t vocab_size);

}  // namespace gptcore
