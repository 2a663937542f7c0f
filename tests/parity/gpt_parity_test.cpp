// The model against tests/parity/reference, made by make_reference.py with PyTorch in float64.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <optional>

#include "core/model/gpt.h"
#include "core/optim/flat_parameters.h"
#include "reference.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

GptOptions options_of(const std::string& variant) {
  GptOptions o = tiny_options();
  o.bias = variant != "no_bias";
  o.rotary = variant == "rotary";
  o.gelu = variant == "tanh" ? "tanh" : "erf";
  return o;
}

}  // namespace

TEST_CASE("logits, loss and every gradient equal PyTorch's to 1e-5", "[parity]") {
  const std::string variant = GENERATE("bias", "no_bias", "rotary", "tanh");
  const bool flat = GENERATE(false, true);   // gradients returned by autograd, or added into flat buffers
  const int64_t multiple = GENERATE(1, 16);  // padded rows of the embedding take no part
  CAPTURE(variant, flat, multiple);
  const Reference reference(variant);
  GptOptions options = options_of(variant);
  options.vocab_multiple = multiple;
  Gpt model(options);
  model.open({});
  init_parameters(model.parameters(), 1);
  if (multiple == 1) {
    reference.fill(model.parameters());
  } else {
    const at::NoGradGuard no_grad;
    for (const Parameter& p : model.parameters()) {
      at::Tensor tensor = p.name == "wte.weight" ? p.tensor.narrow(0, 0, 23) : p.tensor;
      tensor.copy_(reference.get("weight." + p.name));
    }
  }
  std::optional<FlatParameters> buffers;
  if (flat) buffers.emplace(model.parameters()).adopt();

  CHECK(difference(model.logits(reference.get("ids")), reference.get("logits")) < 1e-5);
  const at::Tensor loss = model.loss(reference.get("ids"), reference.get("targets"));
  CHECK(loss.item<double>() == Approx(reference.get("loss").item<double>()).epsilon(1e-6));
  loss.backward();
  for (const Parameter& p : model.parameters()) {
    CAPTURE(p.name);
    at::Tensor grad = p.tensor.grad();
    REQUIRE(grad.defined());
    if (p.name == "wte.weight" && multiple > 1) {
      CHECK(grad.narrow(0, 23, grad.size(0) - 23).abs().max().item<double>() == 0);
      grad = grad.narrow(0, 0, 23);
    }
    CHECK(difference(grad, reference.get("grad." + p.name)) < 1e-5);
  }
}

TEST_CASE("gradients of two backward passes add up in the flat buffers", "[parity]") {
  const Reference reference("bias");
  Gpt model(options_of("bias"));
  model.open({});
  reference.fill(model.parameters());
  FlatParameters buffers(model.parameters());
  buffers.adopt();
  for (int i = 0; i < 2; ++i) model.loss(reference.get("ids"), reference.get("targets")).backward();
  for (const Parameter& p : model.parameters()) {
    CAPTURE(p.name);
    CHECK(difference(p.tensor.grad(), 2 * reference.get("grad." + p.name)) < 1e-5);
  }
  buffers.zero_grad();
  CHECK(buffers.grad_norm().item<float>() == 0);
}
