// The pieces of a SentencePiece .model file.
#pragma once

#include <string_view>
#include <vector>

#include "gptcore/draft/scored_pieces.h"

namespace gptcore {

// The pieces' texts and kinds, by id. Throws std::runtime_error where the bytes are no such model.
std::vector<ScoredPiece> read_piece_file(std::string_view model);

}  // namespace gptcore
