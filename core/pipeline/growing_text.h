// The text of tokens that come one by one, as their tokenizer decodes the whole of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gptcore/tokenizer.h"

namespace gptcore {

// A token's text depends on its neighbours: a tokenizer may leave out a first space, or make one character of several tokens.
class GrowingText {
 public:
  // `before` come first, and their text is known. The tokenizer outlives this.
  explicit GrowingText(const Tokenizer& tokenizer, std::span<const int32_t> before = {});
  // What is new and certain: later tokens only add to it. Bytes of one character may come in several pieces.
  std::string add(int32_t token);
  // What add() held back, once no token follows.
  std::string end() const;

 private:
  void forget_beginning(const std::string& text);

  const Tokenizer& tokenizer_;
  std::vector<int32_t> ids_;  // the last ones, whose decoding goes on as that of all
  size_t given_ = 0;          // bytes of that decoding that are known
};

}  // namespace gptcore
