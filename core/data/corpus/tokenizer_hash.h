// Tells tokenizers apart, so that tokens are not read with another one than they were made with.
#pragma once

#include <string>

#include "gptcore/tokenizer.h"

namespace gptcore {

// Of what it saves and of how it encodes some text. Precondition: it is ready.
std::string tokenizer_hash(const Tokenizer& tokenizer);

}  // namespace gptcore
