// Draft: an extension of tokenizers that Hugging Face's tokenizers library can reproduce.
#pragma once

#include <string>
#include <string_view>

#include "gptcore/extension.h"
#include "gptcore/port.h"

namespace gptcore {

class TokenizerJson {
 public:
  static constexpr std::string_view kId = "gptcore.tokenizer_json/1";
  // Sets `out` to the text of a tokenizer.json that gives the same ids. Precondition: the tokenizer is ready.
  virtual Status tokenizer_json(std::string& out) noexcept = 0;

 protected:
  ~TokenizerJson() = default;
};

}  // namespace gptcore
