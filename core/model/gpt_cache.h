// GPT's keys and values of the tokens so far.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "gptcore/draft/kv_cache.h"

namespace gptcore {

class Gpt;

class GptCache final : public KvCache {
 public:
  explicit GptCache(Gpt& gpt) : gpt_(gpt) {}
  void begin(int64_t rows) override;
  at::Tensor prefill(int64_t row, const at::Tensor& ids) override;
  at::Tensor step(const at::Tensor& ids) override;

 private:
  struct Row {
    int64_t length = 0;
    std::vector<at::Tensor> keys, values;  // each layer's (H, room, D), of which `length` are set
  };
  // Puts k, v (H, T, D) behind the row's of that layer.
  static void append(Row& row, size_t layer, int64_t layers, int64_t limit, const at::Tensor& k, const at::Tensor& v);

  Gpt& gpt_;
  std::vector<Row> rows_;
};

}  // namespace gptcore
