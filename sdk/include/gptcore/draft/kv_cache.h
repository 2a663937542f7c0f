// Draft: an extension of Model that generates text without computing the whole context for every token.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

#include "gptcore/extension.h"
#include "gptcore/port.h"

namespace gptcore {

// The cache holds keys and values of several sequences, each at its own length. All calls are [no grad] and follow
// Model::train(false). Parameters and adapters must not change between begin() and the last call. The results of a row depend
// on the tokens of that row alone.
class KvCache {
 public:
  static constexpr std::string_view kId = "gptcore.kv_cache/1";
  // Clears the cache and makes `rows` empty sequences; 0 frees the memory.
  virtual Status begin(int64_t rows) noexcept = 0;
  // Sets the row to ids (T) int64, 1 <= T <= block_size, and `logits` to those after the last token, (V) float32.
  virtual Status prefill(int64_t row, const at::Tensor& ids, at::Tensor& logits) noexcept = 0;
  // Appends a token to each row: ids (rows) int64, logits (rows, V) float32. The id -1 leaves a row unchanged and its logits
  // undefined. Fails with model_shape when a row already has block_size tokens.
  virtual Status step(const at::Tensor& ids, at::Tensor& logits) noexcept = 0;

 protected:
  ~KvCache() = default;
};

}  // namespace gptcore
