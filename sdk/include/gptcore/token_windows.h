// Cuts one split of tokens into training windows. Every dataset whose content is a sequence of tokens uses this, so that
// sample i means the same for all of them.
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

// Shuffled samples go through the split in epochs: each cuts it into consecutive windows from a random place on and takes
// them in a keyed order that spreads a batch over the whole split, so an epoch predicts no token twice and all but the split's
// ends once. Sequential window i starts at i*T; the last may be shorter, and is filled up with targets of -1.
class TokenWindows {
 public:
  TokenWindows() = default;
  // `tokens` is the split's length. Throws Error(data_too_short) when it is not 0 and below block_size + 1; `where` names the
  // source and `hint` what else to change.
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

  // Where the sample's first token is. Precondition: the split is not empty.
  int64_t start(Order order, int64_t sample) const {
    if (order == Order::sequential) return sample * block_;
    const auto n = static_cast<uint64_t>(epoch()), i = static_cast<uint64_t>(sample);
    const uint64_t key = random_bits(key_, i / n);
    const auto places = static_cast<uint64_t>(std::min(block_, tokens_ - epoch() * block_));
    return static_cast<int64_t>(SpreadOrder(n, key)(i % n)) * block_ + static_cast<int64_t>(random_bits(key, n) % places);
  }
  // Samples in an epoch of the shuffled order.
  int64_t epoch() const { return std::max<int64_t>(1, (tokens_ - block_) / block_); }

  // Makes the batch. `read(first, std::span<int64_t> out)` copies the tokens first .. first + out.size() - 1.
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

// A `read` for TokenWindows::batch over tokens in memory.
template <class Token> auto tokens_of(std::span<const Token> tokens) {
  return [tokens](int64_t first, std::span<int64_t> out) {
    std::copy_n(tokens.begin() + static_cast<std::ptrdiff_t>(first), out.size(), out.begin());
  };
}

// Tells contents apart: changes when any token or their number does. Chain it over splits through `before`.
template <class Token> uint64_t hash_of(std::span<const Token> tokens, uint64_t before = 0) {
  uint64_t hash = random_bits(before, tokens.size());
  for (const Token t : tokens) hash = random_bits(hash, static_cast<uint64_t>(t));
  return hash;
}

}  // namespace gptcore
