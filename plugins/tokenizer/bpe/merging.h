// Byte-pair merging of one piece: the pair with the smallest rank is merged first, the leftmost of equal ones.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "tables.h"

namespace gptcore::bpe {

using ByteTokens = std::array<int32_t, 256>;

// Appends the piece's ids. Precondition: the piece is not empty. Throws Error(out_of_range) for 4 GiB and more.
void merge_piece(std::string_view piece, const ByteTokens& byte_tokens, const MergeTable& merges, std::vector<int32_t>& out);

}  // namespace gptcore::bpe
