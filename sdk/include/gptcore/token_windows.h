// Cuts a split of tokens into training windows. Every dataset whose content is a sequence of tokens uses this class, so that
// sample i means the same in all of them.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gptcore/dataset.h"
#include "gptcore/error.h"
#include "gptcore/random.h"

namespace gptcore {

// Shuffled samples pass through the split in epochs. An epoch cuts the split into consecutive windows from a random offset on
// and takes them in a keyed order that spreads a batch over the whole split, so that it predicts no token twice and misses only
// the ends of the split. Sequential window i starts at i*T; the last one is padded with targets of -1.
class TokenWindows {
 public:
  TokenWindows() = default;
  // `tokens` is the length of the split. Throws Error(data_too_short), with `where` and `hint`, when it is neither 0 nor at
  // least block_size + 1.
  TokenWindows(int64_t tokens, int64_t block_size, uint64_t seed, Split split, const std::string& where,
               const std::string& hint)
      : tokens_(tokens), block_(block_size), key_(stream_key(seed, std::string("windows.") + name_of(split))) {
    if (tokens > 0 && tokens <= block_size)
      throw Error(Code::data_too_short,
                  "the " + std::string(name_of(split)) + " split has " + std::to_string(tokens) + " tokens, block_size = " +
                      std::to_string(block_size) + " needs at least " + std::to_string(block_size + 1),
                  hint, where);
  }

  int64_t tokens() const { return tokens_; }
  int64_t windows() const { return tokens_ == 0 ? 0 : (tokens_ - 2 + block_) / block_; }

  // Returns the position of the sample's first token. Precondition: the split is not empty.
  int64_t start(Order order, int64_t sample) const {
    if (order == Order::sequential) return sample * block_;
    const auto n = static_cast<uint64_t>(epoch()), i = static_cast<uint64_t>(sample);
    const uint64_t key = random_bits(key_, i / n);
    const auto places = static_cast<uint64_t>(std::min(block_, tokens_ - epoch() * block_));
    return static_cast<int64_t>(SpreadOrder(n, key)(i % n)) * block_ + static_cast<int64_t>(random_bits(key, n) % places);
  }
  // Returns the number of samples in an epoch of the shuffled order.
  int64_t epoch() const { return std::max<int64_t>(1, (tokens_ - block_) / block_); }

  // Fills `out`. `read(first, std::span<int64_t> to)` must copy the tokens first .. first + to.size() - 1.
  template <class Read> void batch(const BatchRequest& request, Batch& out, Read&& read) const {
    check(request);
    out.ids = at::empty({request.count, block_}, at::kLong);
    out.targets = at::empty({request.count, block_}, at::kLong);
    int64_t* ids = out.ids.mutable_data_ptr<int64_t>();
    int64_t* targets = out.targets.mutable_data_ptr<int64_t>();
    std::vector<int64_t> row(static_cast<size_t>(block_ + 1));
    for (int64_t b = 0; b < request.count; ++b, ids += block_, targets += block_) {
      const int64_t first = start(request.order, request.first_sample + b);
      const int64_t length = std::min(block_, tokens_ - 1 - first);
      read(first, std::span<int64_t>(row.data(), static_cast<size_t>(length + 1)));
      std::fill(std::copy_n(row.data(), length, ids), ids + block_, 0);
      std::fill(std::copy_n(row.data() + 1, length, targets), targets + block_, -1);
    }
  }

 private:
  void check(const BatchRequest& request) const {
    const bool beyond = request.order == Order::sequential && request.first_sample + request.count > windows();
    if (tokens_ == 0 || request.first_sample < 0 || request.count < 1 || beyond)
      throw Error(Code::internal, "samples " + std::to_string(request.first_sample) + " to " +
                                      std::to_string(request.first_sample + request.count - 1) + " of the " +
                                      name_of(request.split) + " split were asked for, which has " + std::to_string(windows()) +
                                      " windows");
  }

  int64_t tokens_ = 0, block_ = 1;
  uint64_t key_ = 0;
};

// Returns a `read` for TokenWindows::batch() over tokens in memory.
template <class Token> auto tokens_of(std::span<const Token> tokens) {
  return [tokens](int64_t first, std::span<int64_t> out) {
    std::copy_n(tokens.begin() + static_cast<std::ptrdiff_t>(first), out.size(), out.begin());
  };
}

// Returns a hash that changes with any token and with their number. Pass the hash of one split as `before` to chain splits.
template <class Token> uint64_t hash_of(std::span<const Token> tokens, uint64_t before = 0) {
  uint64_t hash = random_bits(before, tokens.size());
  for (const Token t : tokens) hash = random_bits(hash, static_cast<uint64_t>(t));
  return hash;
}

}  // namespace gptcore
