#include "merging.h"

#include <algorithm>
#include <queue>

#include "gptcore/error.h"

namespace gptcore::bpe {
namespace {

// Up to this many bytes, looking at all pairs is faster than a heap.
constexpr size_t kShort = 64;

using Found = MergeTable::Found;

int32_t token_of(char byte, const ByteTokens& byte_tokens) {
  return byte_tokens[static_cast<unsigned char>(byte)];
}

void merge_short(std::string_view piece, const ByteTokens& byte_tokens, const MergeTable& merges, std::vector<int32_t>& out) {
  int32_t ids[kShort];
  Found next[kShort];  // the merge of ids[i] with ids[i + 1]
  size_t n = piece.size();
  for (size_t i = 0; i < n; ++i) ids[i] = token_of(piece[i], byte_tokens);
  for (size_t i = 0; i + 1 < n; ++i) next[i] = merges.find(ids[i], ids[i + 1]);
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; ++i)
      if (next[i].rank < next[best].rank) best = i;
    if (next[best].rank == MergeTable::kNone) break;
    ids[best] = next[best].made;
    --n;
    for (size_t i = best + 1; i < n; ++i) ids[i] = ids[i + 1];
    for (size_t i = best; i + 1 < n; ++i) next[i] = next[i + 1];
    if (best > 0) next[best - 1] = merges.find(ids[best - 1], ids[best]);
    if (best + 1 < n) next[best] = merges.find(ids[best], ids[best + 1]);
  }
  out.insert(out.end(), ids, ids + n);
}

// A list of tokens by the place where each begins, and a heap of merges that may be out of date.
class LongPiece {
 public:
  LongPiece(std::string_view piece, const ByteTokens& byte_tokens, const MergeTable& merges) : merges_(merges) {
    const size_t n = piece.size();
    nodes_.resize(n);
    for (size_t i = 0; i < n; ++i) {
      const auto at = static_cast<uint32_t>(i);
      nodes_[i] = {token_of(piece[i], byte_tokens), i == 0 ? kEnd : at - 1, i + 1 == n ? kEnd : at + 1, {}};
    }
    std::vector<uint64_t> pairs;
    for (uint32_t i = 0; i < n; ++i)
      if (look_ahead(i)) pairs.push_back(order(i));
    heap_ = Heap(std::greater<>(), std::move(pairs));
  }

  void run() {
    while (!heap_.empty()) {
      const uint64_t top = heap_.top();
      heap_.pop();
      const auto at = static_cast<uint32_t>(top);
      if (nodes_[at].ahead.rank == static_cast<uint32_t>(top >> 32)) merge_at(at);
    }
  }

  void append_to(std::vector<int32_t>& out) const {
    for (uint32_t at = 0; at != kEnd; at = nodes_[at].next) out.push_back(nodes_[at].id);
  }

 private:
  static constexpr uint32_t kEnd = 0xffffffff;
  using Heap = std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>>;
  struct Node {
    int32_t id;
    uint32_t previous, next;
    Found ahead;  // the merge with the next one; none, too, when it is merged into the one before
  };

  uint64_t order(uint32_t at) const { return uint64_t{nodes_[at].ahead.rank} << 32 | at; }

  bool look_ahead(uint32_t at) {
    Node& node = nodes_[at];
    node.ahead = node.next == kEnd ? Found{} : merges_.find(node.id, nodes_[node.next].id);
    return node.ahead.rank != MergeTable::kNone;
  }

  void merge_at(uint32_t at) {
    Node& node = nodes_[at];
    Node& gone = nodes_[node.next];
    node.id = node.ahead.made;
    node.next = gone.next;
    gone.ahead = {};
    if (node.next != kEnd) nodes_[node.next].previous = at;
    if (look_ahead(at)) heap_.push(order(at));
    if (node.previous != kEnd && look_ahead(node.previous)) heap_.push(order(node.previous));
  }

  const MergeTable& merges_;
  std::vector<Node> nodes_;
  Heap heap_;
};

}  // namespace

void merge_piece(std::string_view piece, const ByteTokens& byte_tokens, const MergeTable& merges, std::vector<int32_t>& out) {
  if (piece.size() <= kShort) return merge_short(piece, byte_tokens, merges, out);
  if (piece.size() >= 0xffffffff)
    throw Error(Code::out_of_range, "a piece of text without a place to cut it has " + std::to_string(piece.size()) + " bytes",
                "at most 4294967294 can be encoded at once: cut the text into documents");
  LongPiece whole(piece, byte_tokens, merges);
  whole.run();
  whole.append_to(out);
}

}  // namespace gptcore::bpe
