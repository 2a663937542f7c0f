// The adapter `lora` on the linears of a GPT.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>

#include "built_in.h"
#include "core/model/gpt.h"
#include "core/optim/adamw.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

constexpr int64_t kVocabSize = 20;

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// A tiny GPT, its weights frozen, with lora on every linear of its two blocks.
struct Adapted {
  Adapted() : model(options()) {
    model.open({});
    model.place(at::kCPU, at::kFloat);
    base = model.parameters();
    init_parameters(base, 1);
    all = base;
    for (const Parameter& p : base) p.tensor.set_requires_grad(false);
    for (const Layer& layer : model.layers()) {
      if (!layer.takes_adapter || layer.kind != LayerKind::linear) continue;
      std::shared_ptr<Adapter> adapter = built_in().adapter("lora", {{"rank", 3}});
      adapter->open({layer.path, layer.kind, weight_of(layer.path), &host});
      for (const Parameter& p : adapter->parameters()) all.push_back({layer.path + ".lora." + p.name, p.tensor, {0.1, 0}});
      adapters.emplace_back(layer.path, adapter);
      model.set_adapter(layer.path, adapter);
    }
    init_parameters(all, 2);
  }
  static GptOptions options() {
    GptOptions o;
    o.n_layer = 2;
    o.n_head = 2;
    o.n_embd = 16;
    o.block_size = 8;
    o.vocab_size = kVocabSize;
    return o;
  }
  at::Tensor weight_of(const std::string& layer) const {
    for (const Parameter& p : base)
      if (p.name == layer + ".weight") return p.tensor;
    throw std::logic_error(layer);
  }
  SilentHost host;
  Gpt model;
  std::vector<Parameter> base, all;
  std::vector<std::pair<std::string, std::shared_ptr<Adapter>>> adapters;
  const at::Tensor ids = at::arange(16, at::kLong).view({2, 8}).mul(7).remainder(kVocabSize);
};

}  // namespace

TEST_CASE("a model whose weights have taken lora's delta computes what it did with lora", "[lora]") {
  Adapted adapted;
  REQUIRE(adapted.adapters.size() == 8);
  const at::NoGradGuard no_grad;
  const at::Tensor with = adapted.model.logits(adapted.ids);
  for (const auto& [layer, adapter] : adapted.adapters) {
    adapted.weight_of(layer).add_(adapter->delta());
    adapted.model.set_adapter(layer, nullptr);
  }
  CHECK(distance(adapted.model.logits(adapted.ids), with) < 1e-5);
  for (const auto& [layer, adapter] : adapted.adapters) adapted.weight_of(layer).sub_(adapter->delta());
  CHECK(distance(adapted.model.logits(adapted.ids), with) > 1e-3);  // lora was worth something
}

TEST_CASE("lora's gradients add up in flat buffers, where the frozen base has no part", "[lora]") {
  Adapted adapted;
  FlatParameters flat(adapted.all);
  flat.adopt();
  const at::Tensor targets = adapted.ids.add(1).remainder(kVocabSize);
  adapted.model.loss(adapted.ids, targets).backward();
  const at::Tensor once = flat.groups().front().grads.clone();
  adapted.model.loss(adapted.ids, targets).backward();
  CHECK(distance(flat.groups().front().grads, once * 2) < 1e-6);
  int64_t trained = 0;
  for (const Parameter& p : adapted.all) {
    CAPTURE(p.name);
    const bool own = p.name.find(".lora.") != std::string::npos;
    CHECK(p.tensor.grad().defined() == own);
    if (own) CHECK(p.tensor.grad().abs().max().item<double>() > 0);
    trained += own ? p.tensor.numel() : 0;
  }
  CHECK(flat.count() == trained);
  AdamW optimizer(flat, {});
  for (const auto& [name, tensor] : optimizer.state()) CHECK((name == "step" || name.find(".lora.") != std::string::npos));
}
