#include "core/model/gpt_cache.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <utility>

#include "core/model/gpt.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr int64_t kFirstRoom = 64;  // tokens

}  // namespace

void GptCache::append(Row& row, size_t layer, int64_t layers, int64_t limit, const at::Tensor& k, const at::Tensor& v) {
  row.keys.resize(static_cast<size_t>(layers));
  row.values.resize(static_cast<size_t>(layers));
  const int64_t needed = row.length + k.size(1);
  for (auto [kept, added] : {std::pair(&row.keys[layer], &k), std::pair(&row.values[layer], &v)}) {
    const int64_t room = kept->defined() ? kept->size(1) : 0;
    if (room < needed) {
      const int64_t more = std::min(limit, std::max({needed, 2 * room, kFirstRoom}));
      const at::Tensor larger = at::empty({added->size(0), more, added->size(2)}, added->options());
      if (row.length > 0) larger.narrow(1, 0, row.length).copy_(kept->narrow(1, 0, row.length));
      *kept = larger;
    }
    kept->narrow(1, row.length, added->size(1)).copy_(*added);
  }
}

at::Tensor GptCache::after_prefill(int64_t index, const at::Tensor& ids) {
  const at::NoGradGuard no_grad;
  Row& row = rows_.at(static_cast<size_t>(index));
  row.length = 0;
  const int64_t T = ids.size(0), layers = gpt_.options().n_layer, limit = gpt_.block_size();
  if (T < 1 || T > limit)
    throw Error(Code::model_shape, "a context of " + std::to_string(T) + " tokens; expected 1 to " + std::to_string(limit));
  const at::Tensor x = gpt_.hidden(ids.unsqueeze(0), at::arange(T, ids.options()), [&](size_t layer, const Heads& h) {
    append(row, layer, layers, limit, h.k[0], h.v[0]);
    return at::scaled_dot_product_attention(h.q, h.k, h.v, {}, 0, /*is_causal=*/true);
  });
  row.length = T;
  return gpt_.head(x[0][T - 1].unsqueeze(0))[0];
}

// Computes the products with weights for all rows at once, and attention for each row alone.
at::Tensor GptCache::after_step(const at::Tensor& ids) {
  const at::NoGradGuard no_grad;
  const int64_t R = ids.size(0), layers = gpt_.options().n_layer, limit = gpt_.block_size();
  const at::Tensor given = ids.to(at::kCPU);
  std::vector<int64_t> positions;
  for (int64_t r = 0; r < R; ++r) {
    const bool idle = given.const_data_ptr<int64_t>()[r] < 0;
    if (!idle && rows_[static_cast<size_t>(r)].length == limit)
      throw Error(Code::model_shape, "row " + std::to_string(r) + " has block_size tokens already");
    positions.push_back(idle ? -1 : rows_[static_cast<size_t>(r)].length);
  }
  const at::Tensor where = at::tensor(positions, at::kLong).clamp_min(0).to(ids.device());
  const at::Tensor x = gpt_.hidden(ids.clamp_min(0).unsqueeze(1), where.unsqueeze(1), [&](size_t layer, const Heads& h) {
    at::Tensor mixed = at::zeros_like(h.q);  // (R, H, 1, D)
    for (int64_t r = 0; r < R; ++r) {
      Row& row = rows_[static_cast<size_t>(r)];
      if (positions[static_cast<size_t>(r)] < 0) continue;
      append(row, layer, layers, limit, h.k[r], h.v[r]);
      const auto past = [&](const at::Tensor& all) { return all.narrow(1, 0, row.length + 1).unsqueeze(0); };
      mixed[r].copy_(at::scaled_dot_product_attention(h.q[r].unsqueeze(0), past(row.keys[layer]), past(row.values[layer]))[0]);
    }
    return mixed;
  });
  for (int64_t r = 0; r < R; ++r)
    if (positions[static_cast<size_t>(r)] >= 0) ++rows_[static_cast<size_t>(r)].length;
  return gpt_.head(x.squeeze(1));
}

}  // namespace gptcore
