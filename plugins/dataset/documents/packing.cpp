#include "packing.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "gptcore/error.h"
#include "gptcore/random.h"

namespace gptcore::datasets {

Packing packing_of(const std::string& name) {
  return name == "stream" ? Packing::stream : name == "documents" ? Packing::documents : Packing::best_fit;
}

PackedRows::PackedRows(std::span<const int64_t> starts, int64_t tokens, int64_t block_size, uint64_t seed, Split split,
                       Packing packing, const std::string& where)
    : key_(stream_key(seed, std::string("rows.") + name_of(split))) {
  for (size_t d = 0; d < starts.size(); ++d) {
    const int64_t end = d + 1 < starts.size() ? starts[d + 1] : tokens;
    for (int64_t at = starts[d]; at + 1 < end; at += block_size)
      pieces_.push_back(static_cast<uint64_t>(at) << kLengthBits | static_cast<uint64_t>(std::min(block_size, end - 1 - at)));
  }
  if (pieces_.empty() && tokens > 0)
    throw Error(Code::data_too_short, "no document of the " + std::string(name_of(split)) + " split has two tokens",
                "give longer documents, or write pack = \"stream\"", where);
  if (packing == Packing::best_fit) {
    pack_best(block_size);
  } else {
    firsts_.resize(pieces_.size() + 1);
    std::iota(firsts_.begin(), firsts_.end(), uint32_t{0});
  }
}

// Packs by best fit decreasing: pieces from the longest to the shortest, each into the fullest row that has room for it.
void PackedRows::pack_best(int64_t block_size) {
  constexpr uint64_t kLength = (uint64_t{1} << kLengthBits) - 1;
  std::vector<uint32_t> order(pieces_.size());
  std::iota(order.begin(), order.end(), uint32_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return (pieces_[a] & kLength) > (pieces_[b] & kLength); });

  std::vector<std::vector<uint32_t>> rows_with(static_cast<size_t>(block_size) + 1);  // by their room
  std::set<size_t> rooms;                                                             // that some row has
  std::vector<uint32_t> row_of_piece(pieces_.size());
  uint32_t rows = 0;
  for (const uint32_t piece : order) {
    const size_t length = pieces_[piece] & kLength;
    uint32_t row = 0;
    size_t room = static_cast<size_t>(block_size);
    if (const auto found = rooms.lower_bound(length); found != rooms.end()) {
      room = *found;
      row = rows_with[room].back();
      rows_with[room].pop_back();
      if (rows_with[room].empty()) rooms.erase(found);
    } else {
      row = rows++;
    }
    row_of_piece[piece] = row;
    if (room == length) continue;
    rows_with[room - length].push_back(row);
    rooms.insert(room - length);
  }

  firsts_.assign(size_t{rows} + 1, 0);
  for (const uint32_t row : row_of_piece) ++firsts_[row + 1];
  std::partial_sum(firsts_.begin(), firsts_.end(), firsts_.begin());
  std::vector<uint32_t> next(firsts_.begin(), firsts_.end() - 1);
  std::vector<uint64_t> by_row(pieces_.size());
  for (const uint32_t piece : order) by_row[next[row_of_piece[piece]]++] = pieces_[piece];
  pieces_ = std::move(by_row);
}

std::vector<Piece> PackedRows::row(int64_t index) const {
  std::vector<Piece> out;
  const auto i = static_cast<size_t>(index);
  for (size_t p = firsts_[i]; p < firsts_[i + 1]; ++p)
    out.push_back({static_cast<int64_t>(pieces_[p] >> kLengthBits),
                   static_cast<int64_t>(pieces_[p] & ((uint64_t{1} << kLengthBits) - 1))});
  return out;
}

int64_t PackedRows::row_of(Order order, int64_t sample) const {
  if (order == Order::sequential) return sample;
  const auto n = static_cast<uint64_t>(rows()), i = static_cast<uint64_t>(sample);
  return static_cast<int64_t>(SpreadOrder(n, random_bits(key_, i / n))(i % n));
}

}  // namespace gptcore::datasets
