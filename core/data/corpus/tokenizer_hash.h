// Tells tokenizers apart, so that tokens are read only with the tokenizer that made them.
#pragma once

#include <string>

#include "gptcore/tokenizer.h"

namespace gptcore {

// Hashes the tokenizer's saved state and how it encodes some text. Precondition: the tokenizer is ready.
std::string tokenizer_hash(const Tokenizer& tokenizer);

}  // namespace gptcore
