// LoRA on a frozen GPT against tests/parity/reference/lora.safetensors: the first update, from logits to new values.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "core/model/gpt.h"
#include "core/optim/adamw.h"
#include "core/plugin/loader.h"
#include "reference.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

struct NoHost final : Host {
  void log(Level, std::string_view) override {}
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  std::string fetch(std::string_view, std::string_view) override { return {}; }
};

}  // namespace

TEST_CASE("logits, loss, gradients and one AdamW update of LoRA on a frozen model equal PyTorch's to 1e-5", "[parity]") {
  const Reference reference("lora");
  PluginSet plugins;
  plugins.load(std::string(PLUGINS) + "/lora.so");
  NoHost host;
  Gpt model(tiny_options());
  model.open({});
  const std::vector<Parameter> base = model.parameters();
  std::vector<Parameter> all = base, own;
  for (const Parameter& p : base) p.tensor.set_requires_grad(false);
  for (const Layer& layer : model.layers()) {
    if (layer.path != "wte" && !layer.path.ends_with(".qkv")) continue;
    const std::shared_ptr<Adapter> adapter = plugins.adapter("lora", {{"rank", 3}, {"alpha", 6.0}});
    for (const Parameter& p : base)
      if (p.name == layer.path + ".weight") adapter->open({layer.path, layer.kind, p.tensor, &host});
    for (const Parameter& p : adapter->parameters()) own.push_back({layer.path + ".lora." + p.name, p.tensor, p.init});
    model.set_adapter(layer.path, adapter);
  }
  REQUIRE(own.size() == 6);
  all.insert(all.end(), own.begin(), own.end());
  reference.fill(all);
  FlatParameters flat(all);
  flat.adopt();
  AdamW optimizer(flat, {0.9, 0.95, 1e-8, 0.1});

  CHECK(difference(model.logits(reference.get("ids")), reference.get("logits")) < 1e-5);
  const at::Tensor loss = model.loss(reference.get("ids"), reference.get("targets"));
  CHECK(loss.item<double>() == Approx(reference.get("loss").item<double>()).epsilon(1e-6));
  loss.backward();
  for (const Parameter& p : own) {
    CAPTURE(p.name);
    CHECK(difference(p.tensor.grad(), reference.get("grad." + p.name)) < 1e-5);
  }
  optimizer.step(0.01, at::ones({}), at::zeros({}));
  for (const Parameter& p : own) {
    CAPTURE(p.name);
    CHECK(difference(p.tensor.detach(), reference.get("after." + p.name)) < 1e-5);
  }
}
