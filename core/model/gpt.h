// GPT-2 (Radford et al. 2019): pre-LayerNorm blocks, a tied or separate head, learned or rotary positions.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/model/functions.h"
#include "core/options/gpt_options.h"
#include "gptcore/adapter.h"
#include "gptcore/model.h"

namespace gptcore {

// A weight (O, I), a bias (O) or none, and a slot for an adapter, whose output is added to the layer's.
struct LinearLayer {
  at::Tensor weight, bias;
  std::shared_ptr<Adapter> adapter;
  at::Tensor forward(const at::Tensor& x, at::ScalarType dtype) const;
};

struct NormLayer {
  at::Tensor weight, bias;
  at::Tensor forward(const at::Tensor& x) const;
};

struct BlockLayers {
  NormLayer ln_1;
  LinearLayer qkv, attn_proj;
  NormLayer ln_2;
  LinearLayer fc, mlp_proj;
};

class GptCache;

class Gpt final : public Model {
 public:
  // Throws Error(model_shape) when sizes do not fit each other.
  explicit Gpt(GptOptions options);
  void open(const ModelContext& context) override;  // allocates; values are set by init_parameters or a checkpoint
  void place(at::Device device, at::ScalarType compute) override;
  std::vector<Parameter> parameters() override;
  int64_t block_size() const override { return options_.block_size; }
  int64_t vocab_size() const override { return options_.vocab_size; }
  at::Tensor logits(const at::Tensor& ids) override;  // (B, T) -> (B, T, V) float32
  at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) override;
  std::unique_ptr<Model> share() override;
  void train(bool on) override { training_ = on; }
  double flops_per_token() const override;
  std::vector<Layer> layers() override;
  void set_adapter(const std::string& path, std::shared_ptr<Adapter> adapter) override;

  void* extension(std::string_view id) override;

  const GptOptions& options() const { return options_; }

  // For GptCache: computes, without dropout, ids (B, T) at `positions` (T) or (B, T) -> (B, T, C) after the last LayerNorm.
  // mix(layer, heads) -> (B, H, T, D) computes the attention.
  using Mix = std::function<at::Tensor(size_t layer, const Heads& heads)>;
  at::Tensor hidden(const at::Tensor& ids, const at::Tensor& positions, const Mix& mix);
  // Computes (N, C) -> logits (N, V) float32.
  at::Tensor head(const at::Tensor& x);

 private:
  // Calls visit(path, slot) for each layer that takes an adapter.
  template <class Visit> void visit_slots(Visit&& visit);
  at::Tensor hidden(const at::Tensor& ids);  // (B, T) -> (B, T, C), after the last LayerNorm
  // mix(qkv) computes the attention: (B, T, 3 C) -> (B, T, C).
  template <class F> at::Tensor block(const BlockLayers& layers, const at::Tensor& x, F&& mix) const;
  at::Tensor drop(const at::Tensor& x) const;
  const at::Tensor& head_weight() const { return lm_head_.defined() ? lm_head_ : wte_; }

  GptOptions options_;
  at::ScalarType compute_ = at::kFloat;
  bool training_ = true;
  at::Tensor wte_, wpe_;  // (R, C), (block_size, C); R = vocab_size padded
  at::Tensor lm_head_;    // (R, C), when the head is not tied
  std::shared_ptr<Adapter> wte_adapter_;
  std::vector<BlockLayers> blocks_;
  NormLayer ln_f_;
  at::Tensor cos_, sin_;             // (block_size, D/2) with rotary
  std::shared_ptr<GptCache> cache_;  // made on first use
};

// Fills every parameter from its Init with the stream of (seed, its name): independent of the order and of other parameters.
void init_parameters(const std::vector<Parameter>& parameters, uint64_t seed);

}  // namespace gptcore
