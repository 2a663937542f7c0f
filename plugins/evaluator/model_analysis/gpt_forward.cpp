#include "gpt_forward.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/xlogy.h>

#include <cmath>
#include <limits>

namespace model_analysis {
namespace {

std::string block(int64_t index) {
  return "blocks." + std::to_string(index);
}

// Rotates x (H, T, D) by its position's angles, with the usual base.
at::Tensor rotate(const at::Tensor& x) {
  const int64_t half = x.size(-1) / 2;
  const at::Tensor frequency = at::pow(10000.0, at::arange(half, at::kDouble) / -static_cast<double>(half));
  const at::Tensor angle = at::outer(at::arange(x.size(1), at::kDouble), frequency).to(x.device());
  const at::Tensor cos = angle.cos().to(at::kFloat), sin = angle.sin().to(at::kFloat);
  const at::Tensor a = x.narrow(-1, 0, half), b = x.narrow(-1, half, half);
  return at::cat({a * cos - b * sin, b * cos + a * sin}, -1);
}

}  // namespace

std::optional<GptForward> GptForward::of(const gptcore::ModelView& view) {
  if (!view.adapters().empty()) return std::nullopt;
  GptForward out;
  for (const gptcore::ParameterInfo& p : view.parameters()) out.values_.emplace(p.name, view.value(p.name));
  const auto has = [&](const std::string& name, int64_t dimensions) {
    const at::Tensor value = out.optional_value(name);
    return value.defined() && value.dim() == dimensions;
  };
  if (!has("wte.weight", 2) || !has("ln_f.weight", 1)) return std::nullopt;
  out.width_ = out.values_.at("wte.weight").size(1);
  out.vocab_size_ = view.vocab_size();
  for (; has(block(out.blocks_) + ".attn.qkv.weight", 2); ++out.blocks_) {
    const std::string path = block(out.blocks_);
    for (const char* layer : {".attn.proj.weight", ".mlp.fc.weight", ".mlp.proj.weight"})
      if (!has(path + layer, 2)) return std::nullopt;
    if (!has(path + ".ln_1.weight", 1) || !has(path + ".ln_2.weight", 1)) return std::nullopt;
    if (out.values_.at(path + ".attn.qkv.weight").size(0) != 3 * out.width_) return std::nullopt;
  }
  if (out.blocks_ == 0) return std::nullopt;
  return out;
}

at::Tensor GptForward::optional_value(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? at::Tensor() : found->second;
}

at::Tensor GptForward::norm(const at::Tensor& x, const std::string& layer) const {
  return at::layer_norm(x, {x.size(-1)}, values_.at(layer + ".weight"), optional_value(layer + ".bias"), 1e-5);
}

at::Tensor GptForward::linear(const at::Tensor& x, const std::string& layer) const {
  return at::linear(x, values_.at(layer + ".weight"), optional_value(layer + ".bias"));
}

GptForward::Result GptForward::run(const at::Tensor& ids, const GptDetails& details) const {
  const at::Tensor wte = values_.at("wte.weight"), wpe = optional_value("wpe.weight"), head = optional_value("lm_head.weight");
  const int64_t T = ids.size(0), H = details.heads, D = width_ / H;
  const at::Tensor hidden_future = at::ones({T, T}, wte.options().dtype(at::kBool)).triu(1);
  Result out;
  at::Tensor x = at::embedding(wte, ids.to(wte.device()));  // (T, C)
  if (wpe.defined()) x = x + wpe.narrow(0, 0, T);
  for (int64_t i = 0; i < blocks_; ++i) {
    const std::string path = block(i);
    const auto parts = linear(norm(x, path + ".ln_1"), path + ".attn.qkv").view({T, 3, H, D}).transpose(0, 2).unbind(1);
    const at::Tensor q = rotary() ? rotate(parts[0]) : parts[0], k = rotary() ? rotate(parts[1]) : parts[1];  // (H, T, D)
    const at::Tensor scores = at::matmul(q, k.transpose(1, 2)) / std::sqrt(static_cast<double>(D));
    const at::Tensor p = at::softmax(scores.masked_fill(hidden_future, -std::numeric_limits<double>::infinity()), -1);
    out.entropy.push_back(-at::xlogy(p, p).sum().item<double>() / static_cast<double>(H * T));
    x = x + linear(at::matmul(p, parts[2]).transpose(0, 1).reshape({T, width_}), path + ".attn.proj");
    x = x +
        linear(at::gelu(linear(norm(x, path + ".ln_2"), path + ".mlp.fc"), details.tanh ? "tanh" : "none"), path + ".mlp.proj");
  }
  out.logits = at::linear(norm(x, "ln_f"), head.defined() ? head : wte).narrow(-1, 0, vocab_size_);
  return out;
}

std::optional<GptDetails> details_of(const GptForward& forward, const gptcore::ModelView& view, const at::Tensor& ids,
                                     int64_t heads) {
  constexpr double kExact = 1e-3, kRounded = 5e-2;                     // parts of the largest logit; float16 and bfloat16 round
  constexpr double kClear = 10;                                        // how much worse every other number of heads must be
  const at::Tensor wanted = view.logits(ids.unsqueeze(0)).squeeze(0);  // (T, V)
  const double scale = wanted.abs().max().item<double>();
  const bool rotary = forward.rotary();
  GptDetails best;
  double best_distance = std::numeric_limits<double>::infinity(), other_heads = best_distance;
  for (int64_t h = 1; h <= forward.width(); ++h) {
    if (forward.width() % h != 0 || (heads > 0 && h != heads) || (rotary && forward.width() / h % 2 != 0)) continue;
    for (const bool tanh : {false, true}) {
      const double distance = (forward.run(ids, {h, tanh}).logits - wanted).abs().max().item<double>() / scale;
      if (distance < best_distance) {
        if (h != best.heads) other_heads = best_distance;
        best = {h, tanh};
        best_distance = distance;
      } else if (h != best.heads) {
        other_heads = std::min(other_heads, distance);
      }
    }
  }
  const bool sure = heads > 0 ? best_distance < kRounded : best_distance < kExact && best_distance * kClear < other_heads;
  return sure ? std::optional(best) : std::nullopt;
}

}  // namespace model_analysis
