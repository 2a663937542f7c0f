#include "core/model/gpt.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>

#include <cmath>
#include <map>

#include "gptcore/error.h"
#include "gptcore/random.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

GptOptions tiny() {
  GptOptions o;
  o.n_layer = 2;
  o.n_head = 2;
  o.n_embd = 16;
  o.block_size = 8;
  o.vocab_size = 20;
  return o;
}

// Token ids (rows, columns) below `vocab`, the same at every run.
at::Tensor some_ids(int64_t vocab, int64_t rows, int64_t columns, uint64_t seed = 1) {
  const at::Tensor ids = at::empty({rows, columns}, at::kLong);
  for (int64_t i = 0; i < ids.numel(); ++i)
    ids.mutable_data_ptr<int64_t>()[i] =
        static_cast<int64_t>(random_bits(seed, static_cast<uint64_t>(i)) % static_cast<uint64_t>(vocab));
  return ids;
}

std::map<std::string, at::Tensor> by_name(Gpt& model) {
  std::map<std::string, at::Tensor> all;
  for (const Parameter& p : model.parameters()) all[p.name] = p.tensor;
  return all;
}

int64_t count(GptOptions o) {
  Gpt model(o);
  model.open({});
  int64_t n = 0;
  for (const Parameter& p : model.parameters()) n += p.tensor.numel();
  return n;
}

}  // namespace

TEST_CASE("a head of its own computes what the tied one does with the same weights, and their gradients add up", "[model]") {
  GptOptions o = tiny();
  Gpt tied(o);
  tied.open({});
  o.tie_word_embeddings = false;
  Gpt apart(o);
  apart.open({});
  CHECK(count(o) == count(tiny()) + 20 * 16);
  init_parameters(tied.parameters(), 1);
  auto from = by_name(tied), to = by_name(apart);
  for (auto& [name, tensor] : to) tensor.detach().copy_(from.at(name == "lm_head.weight" ? "wte.weight" : name));
  const at::Tensor ids = some_ids(20, 3, 8), targets = some_ids(20, 3, 8, 2);
  CHECK(at::equal(tied.logits(ids), apart.logits(ids)));
  tied.loss(ids, targets).backward();
  apart.loss(ids, targets).backward();
  const at::Tensor sum = to.at("wte.weight").grad() + to.at("lm_head.weight").grad();
  CHECK((sum - from.at("wte.weight").grad()).abs().max().item<double>() < 1e-6);
  CHECK(apart.flops_per_token() == tied.flops_per_token());
  CHECK(apart.layers().back().path == "lm_head");
}

TEST_CASE("GPT-2 small has its published number of parameters", "[model]") {
  GptOptions o;
  o.vocab_size = 50257;
  CHECK(count(o) == 124439808);
  o.vocab_size = 50304;
  CHECK(count(o) == 124475904);
}

TEST_CASE("nanoGPT's CPU recipe has 0.80 M parameters without positions", "[model]") {
  GptOptions o;
  o.n_layer = 4;
  o.n_head = 4;
  o.n_embd = 128;
  o.block_size = 64;
  o.vocab_size = 65;
  o.bias = false;
  CHECK(count(o) - 64 * 128 == Approx(0.80e6).epsilon(0.01));
}

TEST_CASE("initial weights are N(0, 0.02), residual projections scaled by 1/sqrt(2L), biases 0, norms 1", "[model]") {
  GptOptions o = tiny();
  o.n_embd = 128;
  Gpt model(o);
  model.open({});
  init_parameters(model.parameters(), 1337);
  auto p = by_name(model);
  const double scaled = 0.02 / std::sqrt(2.0 * 2);
  CHECK(p["blocks.0.attn.qkv.weight"].std().item<double>() == Approx(0.02).epsilon(0.02));
  CHECK(p["blocks.0.mlp.fc.weight"].std().item<double>() == Approx(0.02).epsilon(0.02));
  CHECK(p["blocks.1.attn.proj.weight"].std().item<double>() == Approx(scaled).epsilon(0.02));
  CHECK(p["blocks.1.mlp.proj.weight"].std().item<double>() == Approx(scaled).epsilon(0.02));
  CHECK(std::abs(p["blocks.0.mlp.fc.weight"].mean().item<double>()) < 3e-4);
  CHECK(p["blocks.0.attn.qkv.bias"].abs().max().item<double>() == 0);
  CHECK(p["ln_f.weight"].eq(1).all().item<bool>());
}

TEST_CASE("a parameter starts the same in a model of any depth and differs between seeds", "[model]") {
  GptOptions deep = tiny();
  deep.n_layer = 4;
  Gpt a(tiny()), b(deep), c(tiny());
  for (Gpt* model : {&a, &b, &c}) model->open({});
  init_parameters(a.parameters(), 1);
  init_parameters(b.parameters(), 1);
  init_parameters(c.parameters(), 2);
  CHECK(at::equal(by_name(a)["blocks.1.mlp.fc.weight"], by_name(b)["blocks.1.mlp.fc.weight"]));
  CHECK_FALSE(at::equal(by_name(a)["blocks.1.mlp.fc.weight"], by_name(c)["blocks.1.mlp.fc.weight"]));
}

TEST_CASE("the first loss is ln V + C * 0.02^2 / 2", "[model]") {
  GptOptions o = tiny();
  o.n_embd = 128;
  o.vocab_size = 65;
  Gpt model(o);
  model.open({});
  init_parameters(model.parameters(), 3);
  const at::Tensor ids = some_ids(65, 32, 8), targets = some_ids(65, 32, 8, 2);
  const at::NoGradGuard no_grad;
  CHECK(model.loss(ids, targets).item<double>() == Approx(std::log(65.0) + 128 * 0.02 * 0.02 / 2).margin(0.05));
}

TEST_CASE("a token's logits do not depend on later tokens", "[model]") {
  GptOptions o = tiny();
  o.rotary = GENERATE(false, true);
  Gpt model(o);
  model.open({});
  init_parameters(model.parameters(), 3);
  const at::NoGradGuard no_grad;
  const at::Tensor ids = some_ids(20, 1, 8);
  at::Tensor other = ids.clone();
  other[0][7] = (other[0][7] + 1).remainder(20);
  CHECK(at::equal(model.logits(ids).narrow(1, 0, 7), model.logits(other).narrow(1, 0, 7)));
  CHECK_FALSE(at::equal(model.logits(ids)[0][7], model.logits(other)[0][7]));
}

TEST_CASE("bfloat16 and float16 come close to float32 and leave weights and gradients in float32", "[model]") {
  Gpt exact(tiny()), rounded(tiny());
  const auto [type, tolerance] = GENERATE(table<at::ScalarType, double>({{at::kBFloat16, 0.02}, {at::kHalf, 0.003}}));
  for (Gpt* model : {&exact, &rounded}) {
    model->open({});
    init_parameters(model->parameters(), 3);
  }
  rounded.place(at::kCPU, type);
  const at::Tensor ids = some_ids(20, 4, 8), targets = some_ids(20, 4, 8, 2);
  const at::Tensor a = exact.loss(ids, targets), b = rounded.loss(ids, targets);
  CHECK(b.scalar_type() == at::kFloat);
  CHECK(a.item<double>() != b.item<double>());
  CHECK(a.item<double>() == Approx(b.item<double>()).epsilon(tolerance));
  a.backward();
  b.backward();
  auto wanted = by_name(exact);
  for (const Parameter& p : rounded.parameters()) {
    CAPTURE(p.name);
    CHECK(p.tensor.scalar_type() == at::kFloat);
    const at::Tensor &ours = p.tensor.grad(), &theirs = wanted[p.name].grad();
    CHECK(ours.scalar_type() == at::kFloat);
    CHECK((ours - theirs).norm().item<double>() <= 5 * tolerance * theirs.norm().item<double>());
  }
}

TEST_CASE("dropout changes the loss in training only", "[model]") {
  GptOptions o = tiny();
  o.dropout = 0.5;
  Gpt model(o);
  model.open({});
  init_parameters(model.parameters(), 3);
  const at::NoGradGuard no_grad;
  const at::Tensor ids = some_ids(20, 4, 8);
  const auto loss = [&] { return model.loss(ids, ids).item<double>(); };
  CHECK(loss() != loss());
  model.train(false);
  CHECK(loss() == loss());
}

TEST_CASE("an adapter's output is added to its layer's", "[model]") {
  struct Echo final : Adapter {
    void open(const AdapterContext&) override {}
    std::vector<Parameter> parameters() override { return {}; }
    at::Tensor forward(const at::Tensor& input) override { return input.narrow(-1, 0, 16); }
    at::Tensor delta() override { return {}; }
  };
  Gpt model(tiny());
  model.open({});
  init_parameters(model.parameters(), 3);
  const at::NoGradGuard no_grad;
  const at::Tensor ids = some_ids(20, 1, 8), before = model.logits(ids);
  for (const char* path : {"blocks.1.attn.proj", "blocks.1.mlp.proj"}) {
    CAPTURE(path);
    model.set_adapter(path, std::make_shared<Echo>());
    CHECK_FALSE(at::equal(model.logits(ids), before));
    CHECK(model.share() == nullptr);  // both would add to the adapter's gradients
    model.set_adapter(path, nullptr);
    CHECK(at::equal(model.logits(ids), before));
  }
  for (const Layer& layer : model.layers()) {
    CAPTURE(layer.path);
    if (layer.takes_adapter)
      CHECK_NOTHROW(model.set_adapter(layer.path, nullptr));
    else
      CHECK_THROWS_WITH(model.set_adapter(layer.path, nullptr), Catch::Contains("takes no adapter"));
  }
  CHECK_THROWS_AS(model.set_adapter("blocks.2.mlp.proj", nullptr), Error);
}

TEST_CASE("every parameter belongs to a layer that the model names", "[model]") {
  Gpt model(tiny());
  model.open({});
  const std::vector<Layer> layers = model.layers();
  for (const Parameter& p : model.parameters()) {
    CAPTURE(p.name);
    CHECK(std::any_of(layers.begin(), layers.end(), [&](const Layer& l) { return p.name.starts_with(l.path + "."); }));
  }
}

TEST_CASE("sizes that do not fit are refused", "[model]") {
  GptOptions o = tiny();
  o.n_head = 3;
  CHECK_THROWS_WITH(Gpt(o), Catch::Contains("n_embd 16 is not divisible by n_head 3"));
  GptOptions rotary = tiny();
  rotary.rotary = true;
  rotary.n_head = 16;
  CHECK_THROWS_AS(Gpt(rotary), Error);
  Gpt small(tiny());
  CHECK_THROWS_WITH(small.open({21}), Catch::Contains("vocab_size 20 is smaller than the data's 21"));
  GptOptions none = tiny();
  none.vocab_size = 0;
  Gpt unknown(none);
  CHECK_THROWS_AS(unknown.open({}), Error);
  Gpt model(tiny());
  model.open({});
  CHECK_THROWS_WITH(model.logits(some_ids(20, 1, 9)), Catch::Contains("longer than block_size 8"));
}
