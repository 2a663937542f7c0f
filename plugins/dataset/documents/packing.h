// Cuts documents into rows of a batch: none crosses the end of its document.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gptcore/token_windows.h"

namespace gptcore::datasets {

enum class Packing {
  stream,     // documents one behind the other, cut where block_size says
  documents,  // a row begins with a document, or goes on with it; the rest of the row is filled up
  best_fit,   // as documents, and several pieces share a row: each goes where the least room that suffices is left
};
// "stream", "documents" or "best_fit".
Packing packing_of(const std::string& name);

// Some tokens of a document that stand together in a row: `length` ids from `start` on, each predicting the next.
struct Piece {
  int64_t start = 0, length = 0;
};

// The rows of one split under Packing::documents or best_fit. Every token but a document's first is predicted exactly once.
class PackedRows {
 public:
  PackedRows() = default;
  // `starts` of the documents, ascending, the first 0; `tokens` in all. Throws Error(data_too_short) when no document has two.
  PackedRows(std::span<const int64_t> starts, int64_t tokens, int64_t block_size, uint64_t seed, Split split, Packing packing,
             const std::string& where);

  int64_t rows() const { return firsts_.empty() ? 0 : static_cast<int64_t>(firsts_.size()) - 1; }
  // The row's pieces, in their order.
  std::vector<Piece> row(int64_t index) const;
  // Which row a sample is: sequential ones in order, shuffled ones each once an epoch, in a keyed order.
  int64_t row_of(Order order, int64_t sample) const;

 private:
  void pack_best(int64_t block_size);

  // A piece in 64 bits: 2^40 tokens are more than any corpus, 2^24 more than any window.
  static constexpr int kLengthBits = 24;
  std::vector<uint64_t> pieces_;
  std::vector<uint32_t> firsts_;  // of each row among pieces_, and the end
  uint64_t key_ = 0;
};

}  // namespace gptcore::datasets
