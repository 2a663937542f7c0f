// Draft: Model::extension("gptcore.kv_cache/1"), for making text without computing the whole context for every token.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "gptcore/port.h"

namespace gptcore {

// Keys and values of several sequences, each at its own length. [no grad], after Model::train(false); parameters and adapters
// stay as they are from begin() to the last call. A row's results depend on its own tokens alone, not on the other rows'.
class KvCache {
 public:
  // Forgets all; there are `rows` empty sequences now. 0 frees the memory.
  virtual Status begin(int64_t rows) noexcept = 0;
  // The row is now ids (T) int64, 1 <= T <= block_size; `logits` become the last one's, (V) float32.
  virtual Status prefill(int64_t row, const at::Tensor& ids, at::Tensor& logits) noexcept = 0;
  // One token more for each row, ids (rows) int64 -> (rows, V) float32; -1 leaves a row as it is, its logits mean nothing.
  // model_shape when a row has block_size tokens already.
  virtual Status step(const at::Tensor& ids, at::Tensor& logits) noexcept = 0;

 protected:
  ~KvCache() = default;
};

}  // namespace gptcore
