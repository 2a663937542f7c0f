// Decodes tokens that come one by one into the text that their tokenizer gives for all of them together.
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
  // `before` are earlier tokens, whose text add() does not return. The tokenizer outlives this object.
  explicit GrowingText(const Tokenizer& tokenizer, std::span<const int32_t> before = {});
  // Returns the new text that is final: later tokens only add to it. The bytes of one character may come in several pieces.
  std::string add(int32_t token);
  // Returns what add() has held back. No token may follow.
  std::string end() const;

 private:
  void forget_beginning(const std::string& text);

  const Tokenizer& tokenizer_;
  std::vector<int32_t> ids_;  // the last tokens; their decoding continues as that of all tokens
  size_t given_ = 0;          // bytes of that decoding that were returned or belong to `before`
};

}  // namespace gptcore
