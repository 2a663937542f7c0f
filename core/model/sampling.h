// Chooses the next token.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace gptcore {

struct Sampling {
  double temperature = 0.8;       // 0 = always the likeliest token
  int64_t top_k = 200;            // 0 = no limit
  double top_p = 1;               // nucleus (Holtzman et al. 2019): the likeliest tokens that together have this share
  double repetition_penalty = 1;  // of tokens in the context (Keskar et al. 2019): positive logits are divided by it
  uint64_t seed = 1337;
  int64_t vocab_size = 0;  // ids from here on are never drawn, since the tokenizer lacks them; 0 = no limit
};

struct NextToken {
  int32_t token = 0;
  double log_probability = 0;  // by the model alone: temperature 1, all tokens
};

// Chooses by logits (V) on the CPU and a number u of [0, 1). Applies the penalty first, then temperature, top_k, top_p. A logit
// of -inf rules its token out. Throws Error(nonfinite) when a logit is NaN or +inf, or no token is left.
NextToken choose(const at::Tensor& logits, const Sampling& sampling, std::span<const int64_t> context, double u);

}  // namespace gptcore
