// What the tokens of a tokenizer stand for, in one form for tokenizers of all kinds, so that tokens of two can be matched.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gptcore/draft/scored_pieces.h"
#include "gptcore/tokenizer.h"

namespace gptcore {

struct TokenText {
  enum class Kind { none, text, byte, special };  // none: an id without a token; byte: a piece for any text, as "<0x0A>"
  Kind kind = Kind::none;
  std::string bytes;           // of a special token its name
  bool space_implied = false;  // `bytes` begins with a space because a word begins there; the tokenizer does not write it
};

// By id. The tokenizer is ready. Throws what it throws.
std::vector<TokenText> token_texts(Tokenizer& tokenizer);

// Of a tokenizer.json, whatever its model: BPE of bytes, of pieces or of characters, Unigram, WordPiece, WordLevel. Throws
// std::exception where it is none, or one whose tokens cannot be told.
std::vector<TokenText> token_texts_of_json(const std::string& json);
// Of a SentencePiece .model file. Throws std::exception where it is none.
std::vector<TokenText> token_texts_of_pieces(std::string_view model);
// Of a vocabulary of WordPiece, a token a line: "##" continues a word.
std::vector<TokenText> token_texts_of_lines(const std::string& text);
// A token of byte-level BPE, which has a printable character for each byte; a text with another character is that text.
TokenText byte_level_text(const std::string& token);

// For each token of `there` the id of the same one here, -1 where there is none. A token of the same kind goes before one of
// the same bytes only. A text of several tokens stands for them only where both sides have it by the same ids.
std::vector<int64_t> matching_ids(const std::vector<TokenText>& there, const std::vector<TokenText>& here);

}  // namespace gptcore
