// Cuts documents into rows of a batch: none crosses the end of its document.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gptcore/token_windows.h"

namespace gptcore::datasets {

enum class Packing {
  stream,     // documents one after another, cut every block_size tokens
  documents,  // a row begins or continues a document; the rest of the row is padding
  best_fit,   // like `documents`, but pieces share a row: each goes to the row with the least room that suffices
};
// Returns the packing of that name: "stream", "documents" or "best_fit".
Packing packing_of(const std::string& name);

// Some tokens of a document that are together in a row: `length` ids from `start` on, each predicting the next.
struct Piece {
  int64_t start = 0, length = 0;
};

// The rows of one split under Packing::documents or best_fit. Every token but a document's first is predicted exactly once.
class PackedRows {
 public:
  PackedRows() = default;
  // `starts` are the documents', ascending, the first 0; `tokens` is the total. Throws Error(data_too_short) when no document
  // has two tokens.
  PackedRows(std::span<const int64_t> starts, int64_t tokens, int64_t block_size, uint64_t seed, Split split, Packing packing,
             const std::string& where);

  int64_t rows() const { return firsts_.empty() ? 0 : static_cast<int64_t>(firsts_.size()) - 1; }
  // Returns the row's pieces, in their order.
  std::vector<Piece> row(int64_t index) const;
  // Returns the row of a sample: sequential samples take the rows in order, shuffled samples take each row once per epoch, in a
  // keyed order.
  int64_t row_of(Order order, int64_t sample) const;

 private:
  void pack_best(int64_t block_size);

  // A piece fits into 64 bits: 2^40 tokens are more than any corpus, 2^24 more than any window.
  static constexpr int kLengthBits = 24;
  std::vector<uint64_t> pieces_;
  std::vector<uint32_t> firsts_;  // of each row among pieces_, and the end
  uint64_t key_ = 0;
};

}  // namespace gptcore::datasets
