// Draft: a tokenizer that is a list of pieces with scores, as SentencePiece's. What
// Tokenizer::extension("gptcore.scored_pieces/1") returns.
#pragma once

#include <string>
#include <vector>

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
  bool merges = false;              // the best pair of neighbours is merged first; else the best of all splits is taken
  bool space_prefix = false;        // a text begins with a space that it does not have
  bool normalizes = false;          // a text is changed in other ways, too, before it is cut
};

class ScoredPieces {
 public:
  // The tokenizer is ready.
  virtual Status scored_pieces(PieceModel& out) noexcept = 0;

 protected:
  ~ScoredPieces() = default;
};

}  // namespace gptcore
