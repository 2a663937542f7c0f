// Draft: an extension of tokenizers that are a list of pieces with scores, as those of SentencePiece are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gptcore/extension.h"
#include "gptcore/port.h"

namespace gptcore {

struct ScoredPiece {
  enum class Kind { normal, unknown, control, user_defined, unused, byte };
  std::string text;  // U+2581 stands for a space, "<0x0A>" for a byte
  float score = 0;
  Kind kind = Kind::normal;
};

struct PieceModel {
  std::vector<ScoredPiece> pieces;  // by id
  bool merges = false;              // true: BPE, merges the best pair of neighbours first; false: unigram, takes the best split
  bool space_prefix = false;        // encoding puts a space before the text
  bool normalizes = false;          // encoding changes the text in further ways
};

class ScoredPieces {
 public:
  static constexpr std::string_view kId = "gptcore.scored_pieces/1";
  // Precondition: the tokenizer is ready.
  virtual Status scored_pieces(PieceModel& out) noexcept = 0;

 protected:
  ~ScoredPieces() = default;
};

}  // namespace gptcore
