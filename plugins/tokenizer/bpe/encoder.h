// Converts text to ids and back by one vocabulary. special_text.h finds special tokens.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "merging.h"
#include "splitter.h"
#include "tables.h"
#include "vocabulary.h"

namespace gptcore::bpe {

// The handling of bytes that are not UTF-8, which a pattern cannot split.
enum class InvalidUtf8 {
  tiktoken,  // the last piece before the first of them, and all that follows, is one piece
  split,     // a run of them is a piece, after which splitting continues
};

// [any thread] Immutable.
class Encoder {
 public:
  explicit Encoder(Vocabulary vocabulary);
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  // Appends the ids of a text without special tokens.
  void encode(std::string_view text, InvalidUtf8 rule, std::vector<int32_t>& out) const;
  // Throws Error(token_out_of_range).
  std::string decode(std::span<const int32_t> ids) const;

 private:
  class Pieces;
  // Returns how many ids the last piece became.
  size_t encode_utf8(std::string_view text, std::vector<int32_t>& out) const;
  void encode_as_tiktoken(std::string_view text, size_t valid, std::vector<int32_t>& out) const;
  void encode_piece(std::string_view piece, std::vector<int32_t>& out) const;

  Vocabulary vocabulary_;
  Splitter splitter_;
  MergeTable merges_;
  PieceTable pieces_;  // the tokens that a piece of their bytes becomes
  ByteTokens byte_tokens_{};
};

}  // namespace gptcore::bpe
