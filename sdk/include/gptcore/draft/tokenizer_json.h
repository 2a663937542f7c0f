// Draft: a tokenizer that Hugging Face's library can be, too. What Tokenizer::extension("gptcore.tokenizer_json/1") returns.
#pragma once

#include <string>

#include "gptcore/port.h"

namespace gptcore {

class TokenizerJson {
 public:
  // The text of a tokenizer.json that gives the same ids; the tokenizer is ready.
  virtual Status tokenizer_json(std::string& out) noexcept = 0;

 protected:
  ~TokenizerJson() = default;
};

}  // namespace gptcore
