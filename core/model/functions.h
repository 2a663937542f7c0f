// The differentiable pieces that GPT is made of. Each has an explicit backward that adds weight gradients straight into
// the parameter's .grad when there is one (a view of the flat gradient buffer), so no gradient is made twice and copied.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace gptcore {

// x (..., I) times weight (O, I) plus bias (O) or nothing -> (..., O), computed in `dtype` as autocast would.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, at::ScalarType dtype);

// ids (B, T) int64 -> weight rows (B, T, C), plus positions (T, C) when `positions` (block_size, C) is defined.
at::Tensor embed(const at::Tensor& ids, const at::Tensor& weight, const at::Tensor& positions);

// Queries, keys and values of the packed qkv (B, T, 3 C), each (B, H, T, D). With `cos`, `sin` defined, (T, D/2) or
// (B, 1, T, D/2), q and k are rotated.
struct Heads {
  at::Tensor q, k, v;
};
Heads split_heads(const at::Tensor& qkv, int64_t heads, const at::Tensor& cos, const at::Tensor& sin);
// (B, H, T, D) -> (B, T, C).
at::Tensor merge_heads(const at::Tensor& y);

// Causal self-attention of the packed qkv (B, T, 3 C) -> (B, T, C). With `cos`, `sin` (T, D/2) defined, q and k are rotated
// first. `dropout` applies to the attention probabilities.
at::Tensor attention(const at::Tensor& qkv, int64_t heads, const at::Tensor& cos, const at::Tensor& sin, double dropout);

// Mean over the targets that are not -1 of -log softmax(hidden weight^T)[target], in nats, as a 0-dim float32.
// hidden (N, C), weight (R, C), targets (N) int64; rows of weight from `vocab_size` on take no part.
at::Tensor linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                                int64_t vocab_size, at::ScalarType dtype);

}  // namespace gptcore
