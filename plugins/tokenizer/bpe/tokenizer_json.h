// Reads and writes HuggingFace's tokenizer.json for byte-level BPE. Tokenizers save it into checkpoints, too.
#pragma once

#include <string>
#include <string_view>

#include "vocabulary.h"

namespace gptcore::bpe {

// Throws Error(data_corrupt) at `where` for a damaged file, and for one of another kind; then it names what is not byte-level
// BPE.
Vocabulary parse_tokenizer_json(std::string_view text, const std::string& where);
std::string format_tokenizer_json(const Vocabulary& vocabulary);

}  // namespace gptcore::bpe
