#include "core/model/gpt.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>

#include <cmath>
#include <utility>

#include "core/model/gpt_cache.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

at::Tensor parameter(at::IntArrayRef shape) {
  return at::empty(shape, at::kFloat).requires_grad_();
}

LinearLayer make_linear(int64_t out, int64_t in, bool bias) {
  return {parameter({out, in}), bias ? parameter({out}) : at::Tensor(), nullptr};
}

NormLayer make_norm(int64_t width, bool bias) {
  return {parameter({width}), bias ? parameter({width}) : at::Tensor()};
}

// Calls visit(name, tensor, init) for weight and bias of each layer in a block, in forward order.
template <class Layer, class Visit> void visit_layer(const std::string& path, Layer& layer, Init weight, Visit&& visit) {
  visit(path + ".weight", layer.weight, weight);
  if (layer.bias.defined()) visit(path + ".bias", layer.bias, Init{});
}

}  // namespace

at::Tensor LinearLayer::forward(const at::Tensor& x, at::ScalarType dtype) const {
  if (!adapter) return linear(x, weight, bias, dtype);
  const at::Tensor in = x.to(dtype);
  return linear(in, weight, bias, dtype) + adapter->forward(in).to(dtype);
}

at::Tensor NormLayer::forward(const at::Tensor& x) const {
  return at::layer_norm(x, {x.size(-1)}, weight, bias, 1e-5);
}

Gpt::Gpt(GptOptions options) : options_(std::move(options)) {
  if (options_.n_embd % options_.n_head != 0)
    throw Error(Code::model_shape,
                "n_embd " + std::to_string(options_.n_embd) + " is not divisible by n_head " + std::to_string(options_.n_head),
                "each head takes n_embd / n_head of the width");
  if (options_.rotary && options_.n_embd / options_.n_head % 2 != 0)
    throw Error(Code::model_shape,
                "rotary positions need an even head width, not " + std::to_string(options_.n_embd / options_.n_head));
}

void Gpt::open(const ModelContext& context) {
  if (options_.vocab_size == 0) options_.vocab_size = context.vocab_size;
  if (options_.vocab_size < 1)
    throw Error(Code::model_shape, "the model has no vocab_size",
                "set model.vocab_size, or name a [tokenizer] or dataset that knows it");
  if (options_.vocab_size < context.vocab_size)
    throw Error(Code::model_shape,
                "model.vocab_size " + std::to_string(options_.vocab_size) + " is smaller than the data's " +
                    std::to_string(context.vocab_size),
                "leave model.vocab_size out to take it from the data");
  const int64_t m = options_.vocab_multiple, rows = (options_.vocab_size + m - 1) / m * m;
  const int64_t C = options_.n_embd, H = options_.n_hidden > 0 ? options_.n_hidden : 4 * C;
  const bool bias = options_.bias;
  wte_ = parameter({rows, C});
  if (!options_.rotary) wpe_ = parameter({options_.block_size, C});
  for (int64_t i = 0; i < options_.n_layer; ++i)
    blocks_.push_back({make_norm(C, bias), make_linear(3 * C, C, bias), make_linear(C, C, bias), make_norm(C, bias),
                       make_linear(H, C, bias), make_linear(C, H, bias)});
  ln_f_ = make_norm(C, bias);
  if (!options_.tie_word_embeddings) lm_head_ = parameter({rows, C});
  if (options_.rotary) {
    const int64_t half = C / options_.n_head / 2;
    const at::Tensor frequency = at::pow(options_.rotary_base, at::arange(half, at::kDouble) / -static_cast<double>(half));
    const at::Tensor angle = at::outer(at::arange(options_.block_size, at::kDouble), frequency);  // (block_size, D/2)
    cos_ = angle.cos().to(at::kFloat);
    sin_ = angle.sin().to(at::kFloat);
  }
}

std::vector<Parameter> Gpt::parameters() {
  std::vector<Parameter> all;
  const auto visit = [&](const std::string& name, const at::Tensor& tensor, Init init) { all.push_back({name, tensor, init}); };
  const Init normal{0.02, 0}, one{0, 1};
  const Init residual{0.02 / std::sqrt(2.0 * static_cast<double>(options_.n_layer)), 0};
  visit("wte.weight", wte_, normal);
  if (wpe_.defined()) visit("wpe.weight", wpe_, normal);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const std::string path = "blocks." + std::to_string(i);
    BlockLayers& b = blocks_[i];
    visit_layer(path + ".ln_1", b.ln_1, one, visit);
    visit_layer(path + ".attn.qkv", b.qkv, normal, visit);
    visit_layer(path + ".attn.proj", b.attn_proj, residual, visit);
    visit_layer(path + ".ln_2", b.ln_2, one, visit);
    visit_layer(path + ".mlp.fc", b.fc, normal, visit);
    visit_layer(path + ".mlp.proj", b.mlp_proj, residual, visit);
  }
  visit_layer("ln_f", ln_f_, one, visit);
  if (lm_head_.defined()) visit("lm_head.weight", lm_head_, normal);
  return all;
}

at::Tensor Gpt::drop(const at::Tensor& x) const {
  return training_ && options_.dropout > 0 ? at::dropout(x, options_.dropout, true) : x;
}

template <class F> at::Tensor Gpt::block(const BlockLayers& layers, const at::Tensor& x, F&& mix) const {
  const at::Tensor mixed = mix(layers.qkv.forward(layers.ln_1.forward(x), compute_));
  const at::Tensor y = x + drop(layers.attn_proj.forward(mixed, compute_));  // (B, T, C)
  const at::Tensor h = at::gelu(layers.fc.forward(layers.ln_2.forward(y), compute_), options_.gelu == "tanh" ? "tanh" : "none");
  return y + drop(layers.mlp_proj.forward(h, compute_));
}

at::Tensor Gpt::hidden(const at::Tensor& ids) {
  const int64_t T = ids.size(1);
  if (T > options_.block_size)
    throw Error(Code::model_shape, "a context of " + std::to_string(T) + " tokens is longer than block_size " +
                                       std::to_string(options_.block_size));
  at::Tensor x = embed(ids, wte_, wpe_);
  if (wte_adapter_) x = x + wte_adapter_->forward(ids);
  x = drop(x);
  const at::Tensor cos = cos_.defined() ? cos_.narrow(0, 0, T) : cos_, sin = sin_.defined() ? sin_.narrow(0, 0, T) : sin_;
  const double dropout = training_ ? options_.dropout : 0;
  for (const BlockLayers& layers : blocks_)
    x = block(layers, x, [&](const at::Tensor& qkv) { return attention(qkv, options_.n_head, cos, sin, dropout); });
  return ln_f_.forward(x);
}

at::Tensor Gpt::hidden(const at::Tensor& ids, const at::Tensor& positions, const Mix& mix) {
  at::Tensor x = at::embedding(wte_, ids);  // (B, T, C)
  if (wpe_.defined()) x = x + at::embedding(wpe_, positions);
  if (wte_adapter_) x = x + wte_adapter_->forward(ids);
  const auto angles = [&](const at::Tensor& table) {  // (T, D/2) or (B, 1, T, D/2)
    if (!table.defined()) return table;
    const at::Tensor rows = at::embedding(table, positions);
    return positions.dim() == 2 ? rows.unsqueeze(1) : rows;
  };
  const at::Tensor cos = angles(cos_), sin = angles(sin_);
  for (size_t i = 0; i < blocks_.size(); ++i)
    x = block(blocks_[i], x,
              [&](const at::Tensor& qkv) { return merge_heads(mix(i, split_heads(qkv, options_.n_head, cos, sin))); });
  return ln_f_.forward(x);
}

at::Tensor Gpt::head(const at::Tensor& x) {
  return linear(x, head_weight(), {}, compute_).narrow(-1, 0, options_.vocab_size).to(at::kFloat);
}

void* Gpt::extension(std::string_view id) {
  if (id != KvCache::kId) return nullptr;
  if (!cache_) cache_ = std::make_shared<GptCache>(*this);
  return static_cast<KvCache*>(cache_.get());
}

at::Tensor Gpt::logits(const at::Tensor& ids) {
  return head(hidden(ids));
}

at::Tensor Gpt::loss(const at::Tensor& ids, const at::Tensor& targets) {
  const at::Tensor x = hidden(ids);
  return linear_cross_entropy(x.reshape({-1, x.size(-1)}), head_weight(), targets.reshape({-1}), options_.vocab_size, compute_);
}

template <class Visit> void Gpt::visit_slots(Visit&& visit) {
  visit("wte", wte_adapter_);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const std::string block = "blocks." + std::to_string(i);
    visit(block + ".attn.qkv", blocks_[i].qkv.adapter);
    visit(block + ".attn.proj", blocks_[i].attn_proj.adapter);
    visit(block + ".mlp.fc", blocks_[i].fc.adapter);
    visit(block + ".mlp.proj", blocks_[i].mlp_proj.adapter);
  }
}

std::unique_ptr<Model> Gpt::share() {
  if (options_.dropout > 0) return nullptr;
  bool adapted = false;
  visit_slots([&](const std::string&, const std::shared_ptr<Adapter>& slot) { adapted = adapted || slot; });
  if (adapted) return nullptr;  // both models would add to the adapters' gradients
  auto copy = std::make_unique<Gpt>(*this);
  copy->cache_.reset();
  const auto apart = [](at::Tensor& t) {
    if (t.defined()) t = t.detach().requires_grad_(t.requires_grad());
  };
  const auto layer_apart = [&](auto& layer) {
    apart(layer.weight);
    apart(layer.bias);
  };
  apart(copy->wte_);
  apart(copy->wpe_);
  apart(copy->lm_head_);
  for (BlockLayers& b : copy->blocks_) {
    layer_apart(b.ln_1);
    layer_apart(b.qkv);
    layer_apart(b.attn_proj);
    layer_apart(b.ln_2);
    layer_apart(b.fc);
    layer_apart(b.mlp_proj);
  }
  layer_apart(copy->ln_f_);
  return copy;
}

double Gpt::flops_per_token() const {
  double n = 0;
  for (const Parameter& p : const_cast<Gpt*>(this)->parameters())
    if (p.name != "wpe.weight" && (p.name != "wte.weight" || options_.tie_word_embeddings))
      n += static_cast<double>(p.tensor.numel());
  const auto d = [](int64_t v) { return static_cast<double>(v); };
  return 6 * n + 12 * d(options_.n_layer) * d(options_.n_embd) * d(options_.block_size);
}

void Gpt::place(at::Device device, at::ScalarType compute) {
  compute_ = compute;
  at::NoGradGuard no_grad;
  for (const Parameter& p : parameters()) {
    at::Tensor tensor = p.tensor;
    tensor.set_data(tensor.to(device));
  }
  if (cos_.defined()) {
    cos_ = cos_.to(device);
    sin_ = sin_.to(device);
  }
}

std::vector<Layer> Gpt::layers() {
  std::vector<Layer> all = {{"wte", LayerKind::embedding, true}};
  if (wpe_.defined()) all.push_back({"wpe", LayerKind::embedding});
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const std::string block = "blocks." + std::to_string(i);
    all.push_back({block, LayerKind::block});
    all.push_back({block + ".ln_1", LayerKind::norm});
    all.push_back({block + ".attn.qkv", LayerKind::linear, true});
    all.push_back({block + ".attn.proj", LayerKind::linear, true});
    all.push_back({block + ".ln_2", LayerKind::norm});
    all.push_back({block + ".mlp.fc", LayerKind::linear, true});
    all.push_back({block + ".mlp.proj", LayerKind::linear, true});
  }
  all.push_back({"ln_f", LayerKind::norm});
  if (lm_head_.defined()) all.push_back({"lm_head", LayerKind::linear});
  return all;
}

void Gpt::set_adapter(const std::string& path, std::shared_ptr<Adapter> adapter) {
  bool found = false;
  visit_slots([&](const std::string& at, std::shared_ptr<Adapter>& slot) {
    if (at != path) return;
    slot = std::move(adapter);
    found = true;
  });
  if (!found)
    throw Error(Code::model_shape, "layer '" + path + "' takes no adapter", "linears of blocks and the embedding wte do");
}

}  // namespace gptcore
