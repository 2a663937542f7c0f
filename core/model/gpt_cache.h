// Keeps GPT's keys and values of the tokens so far.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "gptcore/draft/kv_cache.h"

namespace gptcore {

class Gpt;

class GptCache final : public KvCache {
 public:
  explicit GptCache(Gpt& gpt) : gpt_(gpt) {}
  Status begin(int64_t rows) noexcept override {
    return guard([&] { rows_.assign(static_cast<size_t>(rows), {}); });
  }
  Status prefill(int64_t row, const at::Tensor& ids, at::Tensor& logits) noexcept override {
    return guard([&] { logits = after_prefill(row, ids); });
  }
  Status step(const at::Tensor& ids, at::Tensor& logits) noexcept override {
    return guard([&] { logits = after_step(ids); });
  }

 private:
  struct Row {
    int64_t length = 0;
    std::vector<at::Tensor> keys, values;  // each layer's (H, room, D), of which `length` are set
  };
  at::Tensor after_prefill(int64_t row, const at::Tensor& ids);
  at::Tensor after_step(const at::Tensor& ids);
  // Appends k, v (H, T, D) to the row's of that layer.
  static void append(Row& row, size_t layer, int64_t layers, int64_t limit, const at::Tensor& k, const at::Tensor& v);

  Gpt& gpt_;
  std::vector<Row> rows_;
};

}  // namespace gptcore
