// The differentiable functions that GPT is made of. Each has an explicit backward that adds weight gradients straight into the
// parameter's .grad when there is one (a view of the flat gradient buffer), so that no gradient is made elsewhere and copied.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace gptcore {

// Returns x (..., I) times weight (O, I) plus bias (O) or nothing -> (..., O), computed in `dtype` as autocast would.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, at::ScalarType dtype);

// Returns the weight rows (B, T, C) of ids (B, T) int64, plus positions (T, C) when `positions` (block_size, C) is defined.
at::Tensor embed(const at::Tensor& ids, const at::Tensor& weight, const at::Tensor& positions);

// Queries, keys and values of the packed qkv (B, T, 3 C), each (B, H, T, D). split_heads() rotates q and k when `cos` and
// `sin`, (T, D/2) or (B, 1, T, D/2), are defined.
struct Heads {
  at::Tensor q, k, v;
};
Heads split_heads(const at::Tensor& qkv, int64_t heads, const at::Tensor& cos, const at::Tensor& sin);
// Merges the heads: (B, H, T, D) -> (B, T, C).
at::Tensor merge_heads(const at::Tensor& y);

// Computes causal self-attention of the packed qkv (B, T, 3 C) -> (B, T, C). Rotates q and k first when `cos` and `sin` (T,
// D/2) are defined. `dropout` applies to the attention probabilities.
at::Tensor attention(const at::Tensor& qkv, int64_t heads, const at::Tensor& cos, const at::Tensor& sin, double dropout);

// Returns the mean over the targets that are not -1 of -log softmax(hidden weight^T)[target], in nats, as a 0-dim float32.
// hidden (N, C), weight (R, C), targets (N) int64; ignores the rows of weight from `vocab_size` on.
at::Tensor linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                                int64_t vocab_size, at::ScalarType dtype);

}  // namespace gptcore
