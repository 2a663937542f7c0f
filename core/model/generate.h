// Text from a model, one token at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "gptcore/model.h"

namespace gptcore {

struct Sampling {
  double temperature = 0.8;  // 0 = always the likeliest token
  int64_t top_k = 200;       // 0 = all tokens may come
  uint64_t seed = 1337;
};

// Continues `prompt` (not empty) by `count` tokens, keeping the last block_size as context. Token i of sample s is a function
// of (seed, s, i) and the model alone. `on_token` sees each new token; when it returns false generation ends.
void generate(Model& model, at::Device device, std::vector<int32_t> prompt, int64_t count, const Sampling& sampling,
              int64_t sample, const std::function<bool(int32_t)>& on_token);

}  // namespace gptcore
