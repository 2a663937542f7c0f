// The two look-ups that encoding is made of: bytes -> token, and pair of tokens -> merge. Open addressing, filled once.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "vocabulary.h"

namespace gptcore::bpe {

namespace detail {
inline uint64_t load64(const char* p) {
  uint64_t v = 0;
  std::memcpy(&v, p, 8);
  return v;
}

inline uint64_t load32(const char* p) {
  uint32_t v = 0;
  std::memcpy(&v, p, 4);
  return v;
}

inline uint64_t mixed(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a ^ 0xa0761d6478bd642f) * (b ^ 0xe7037ed1a0b428db);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}
}  // namespace detail

// Precondition: the piece is not empty.
inline uint64_t hash_of(std::string_view piece) {
  const char* p = piece.data();
  size_t n = piece.size();
  uint64_t hash = n;
  for (; n > 16; p += 16, n -= 16) hash = detail::mixed(hash ^ detail::load64(p), detail::load64(p + 8));
  if (n >= 8) return detail::mixed(hash ^ detail::load64(p), detail::load64(p + n - 8));
  if (n >= 4) return detail::mixed(hash ^ detail::load32(p), detail::load32(p + n - 4));
  const auto byte = [&](size_t i) { return uint64_t{static_cast<unsigned char>(p[i])}; };
  return detail::mixed(hash, byte(0) | byte(n / 2) << 8 | byte(n - 1) << 16);
}

class PieceTable {
 public:
  explicit PieceTable(size_t tokens) : slots_(std::bit_ceil(2 * tokens + 2)), mask_(slots_.size() - 1) {}

  void add(std::string_view bytes, int32_t id) {
    const uint64_t hash = hash_of(bytes);
    size_t i = hash & mask_;
    while (slots_[i].id >= 0) i = (i + 1) & mask_;
    slots_[i] = {static_cast<uint32_t>(hash >> 32), id, static_cast<uint32_t>(bytes_.size()),
                 static_cast<uint32_t>(bytes.size())};
    bytes_ += bytes;
  }
  // Returns -1 when there is none. `hash` must be hash_of(piece).
  int32_t find(std::string_view piece, uint64_t hash) const {
    for (size_t i = hash & mask_; slots_[i].id >= 0; i = (i + 1) & mask_) {
      const Slot& s = slots_[i];
      if (s.tag == static_cast<uint32_t>(hash >> 32) && s.size == piece.size() &&
          std::memcmp(bytes_.data() + s.begin, piece.data(), piece.size()) == 0)
        return s.id;
    }
    return -1;
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    int32_t id = -1;
    uint32_t begin = 0, size = 0;
  };
  std::vector<Slot> slots_;
  size_t mask_;
  std::string bytes_;
};

class MergeTable {
 public:
  static constexpr uint32_t kNone = 0xffffffff;
  struct Found {
    uint32_t rank = kNone;  // smaller is merged first
    int32_t made = 0;
  };

  explicit MergeTable(const std::vector<Merge>& merges)
      : slots_(std::bit_ceil(2 * merges.size() + 2)), mask_(slots_.size() - 1) {
    for (size_t i = 0; i < merges.size(); ++i) add(merges[i], static_cast<uint32_t>(i));
  }

  Found find(int32_t left, int32_t right) const {
    const uint64_t pair = key(left, right);
    size_t i = detail::mixed(pair, 0) & mask_;
    while (slots_[i].found.rank != kNone && slots_[i].pair != pair) i = (i + 1) & mask_;
    return slots_[i].found;
  }

 private:
  struct Slot {
    uint64_t pair = 0;
    Found found;
  };
  static uint64_t key(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }
  // Adds a merge; of a pair that is listed twice, the first counts.
  void add(const Merge& merge, uint32_t rank) {
    const uint64_t pair = key(merge.left, merge.right);
    size_t i = detail::mixed(pair, 0) & mask_;
    for (; slots_[i].found.rank != kNone; i = (i + 1) & mask_)
      if (slots_[i].pair == pair) return;
    slots_[i] = {pair, {rank, merge.made}};
  }

  std::vector<Slot> slots_;
  size_t mask_;
};

}  // namespace gptcore::bpe
