#include "core/model/generate.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <map>

#include "core/model/gpt.h"
#include "gptcore/draft/kv_cache.h"
#include "gptcore/error.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

GptOptions tiny(bool rotary = false) {
  GptOptions o;
  o.n_layer = 2;
  o.n_head = 2;
  o.n_embd = 16;
  o.block_size = 8;
  o.vocab_size = 20;
  o.rotary = rotary;
  return o;
}

std::unique_ptr<Gpt> opened(const GptOptions& options) {
  auto gpt = std::make_unique<Gpt>(options);
  gpt->open({});
  auto all = gpt->parameters();
  for (Parameter& p : all) p.init.std *= 10;  // so that tokens differ in likelihood
  init_parameters(all, 3);
  return gpt;
}

Sampling seeded(double temperature = 1, uint64_t seed = 5) {
  Sampling s;
  s.temperature = temperature;
  s.top_k = 0;
  s.seed = seed;
  return s;
}

using Texts = std::vector<std::vector<int32_t>>;

Texts texts(Model& model, const std::vector<Prompt>& prompts, const Sampling& sampling, bool cached = true,
            int64_t count = 30) {
  Texts out(prompts.size());
  generate(
      model, at::kCPU, prompts, count, sampling,
      [&](size_t index, const NextToken& c) {
        out[index].push_back(c.token);
        return true;
      },
      cached);
  return out;
}

const std::vector<Prompt> kPrompts = {
    {{1, 2, 3}, 0}, {{1, 2, 3}, 1}, {{7}, 0}, {{4, 4, 4, 4, 4, 4, 4, 4}, 0},           {{9, 1}, 2}, {{3}, 0}, {{2, 2, 2}, 0},
    {{1}, 0},       {{5, 6}, 0},    {{8}, 3}, {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 0}};

// Adds the same row to whatever comes.
struct Constant final : Adapter {
  void open(const AdapterContext& context) override { shift = at::arange(context.weight.size(0), at::kFloat) * 0.05; }
  std::vector<Parameter> parameters() override { return {}; }
  at::Tensor forward(const at::Tensor&) override { return shift; }
  at::Tensor delta() override { return {}; }
  at::Tensor shift;
};

}  // namespace

TEST_CASE("text is a function of seed and sample, and greedy at temperature 0", "[model]") {
  const auto gpt = opened(tiny());
  Gpt& model = *gpt;
  const auto text = [&](const Sampling& s, int64_t sample) { return texts(model, {{{1, 2, 3}, sample}}, s).front(); };
  CHECK(text(seeded(), 0).size() == 30);
  CHECK(text(seeded(), 0) == text(seeded(), 0));
  CHECK(text(seeded(), 0) != text(seeded(), 1));
  CHECK(text(seeded(), 0) != text(seeded(1, 6), 0));
  CHECK(text(seeded(0), 0) == text(seeded(0, 6), 1));
  Sampling one = seeded();
  one.top_k = 1;
  CHECK(text(one, 0) == text(seeded(0), 0));
  Sampling narrow = seeded();
  narrow.top_p = 1e-9;
  CHECK(text(narrow, 0) == text(seeded(0), 0));
}

TEST_CASE("a sequence ends when its caller says so, the others go on", "[model]") {
  const auto gpt = opened(tiny());
  Gpt& model = *gpt;
  std::map<size_t, int> seen;
  generate(model, at::kCPU, {{{1}, 0}, {{2}, 0}}, 20, seeded(), [&](size_t index, const NextToken&) {
    ++seen[index];
    return index == 1 || seen[index] < 4;
  });
  CHECK(seen[0] == 4);
  CHECK(seen[1] == 20);
}

TEST_CASE("the cache changes no token, greedy or drawn, also past block_size", "[model]") {
  for (const bool rotary : {false, true})
    for (const double temperature : {0.0, 1.0}) {
      INFO(rotary << " " << temperature);
      const auto gpt = opened(tiny(rotary));
      Gpt& model = *gpt;
      CHECK(texts(model, kPrompts, seeded(temperature), true) == texts(model, kPrompts, seeded(temperature), false));
    }
}

TEST_CASE("the cache goes through adapters", "[model]") {
  const auto gpt = opened(tiny());
  Gpt& model = *gpt;
  const Texts plain = texts(model, kPrompts, seeded(0));
  for (const Layer& layer : model.layers()) {
    if (!layer.takes_adapter || layer.kind != LayerKind::linear) continue;
    auto adapter = std::make_shared<Constant>();
    AdapterContext context;
    for (const Parameter& p : model.parameters())
      if (p.name == layer.path + ".weight") context.weight = p.tensor;
    adapter->open(context);
    model.set_adapter(layer.path, adapter);
  }
  CHECK(texts(model, kPrompts, seeded(0)) != plain);
  CHECK(texts(model, kPrompts, seeded(0), true) == texts(model, kPrompts, seeded(0), false));
}

TEST_CASE("a prompt's text is the same alone and among any others", "[model]") {
  const auto gpt = opened(tiny());
  Gpt& model = *gpt;
  const Texts together = texts(model, kPrompts, seeded());
  for (size_t i = 0; i < kPrompts.size(); ++i) CHECK(texts(model, {kPrompts[i]}, seeded()).front() == together[i]);
}

TEST_CASE("the cache's logits are the model's", "[model]") {
  for (const bool rotary : {false, true}) {
    const auto gpt = opened(tiny(rotary));
    Gpt& model = *gpt;
    model.train(false);
    const at::NoGradGuard no_grad;
    auto* cache = extension_of<KvCache>(model);
    REQUIRE(cache);
    const at::Tensor a = at::tensor({1, 2, 3, 4, 5, 6}, at::kLong), b = at::tensor({9, 8, 7, 6, 5, 4}, at::kLong);
    REQUIRE(cache->begin(3).code == 0);
    const auto prefill = [&](int64_t row, const at::Tensor& ids) {
      at::Tensor logits;
      throw_if_failed(cache->prefill(row, ids, logits));
      return logits;
    };
    const auto step = [&](const at::Tensor& ids) {
      at::Tensor logits;
      throw_if_failed(cache->step(ids, logits));
      return logits;
    };
    const auto whole = [&](const at::Tensor& ids) { return model.logits(ids.unsqueeze(0))[0][ids.size(0) - 1]; };
    CHECK(prefill(0, a.narrow(0, 0, 2)).allclose(whole(a.narrow(0, 0, 2)), 1e-5, 1e-5));
    prefill(2, b.narrow(0, 0, 1));
    for (int64_t i = 2; i < 6; ++i) {
      const at::Tensor out = step(at::stack({a[i], at::scalar_tensor(-1, at::kLong), b[i - 1]}));
      CHECK(out[0].allclose(whole(a.narrow(0, 0, i + 1)), 1e-5, 1e-5));
      CHECK(out[2].allclose(whole(b.narrow(0, 0, i)), 1e-5, 1e-5));
    }
    prefill(0, at::arange(8, at::kLong));
    CHECK_THROWS_WITH(step(at::tensor({1, -1, -1}, at::kLong)), Catch::Contains("row 0 has block_size tokens"));
    CHECK_THROWS_WITH(prefill(0, at::arange(9, at::kLong)), Catch::Contains("expected 1 to 8"));
    CHECK_THROWS_WITH(prefill(0, at::arange(0, at::kLong)), Catch::Contains("a context of 0 tokens"));
  }
}

TEST_CASE("choosing follows penalty, temperature, top_k and top_p", "[model]") {
  const at::Tensor logits = at::tensor({std::log(0.5), std::log(0.3), std::log(0.15), std::log(0.05)}, at::kFloat);
  const auto chosen = [&](const Sampling& s, double u, std::vector<int64_t> context = {}) {
    return choose(logits, s, context, u).token;
  };
  const Sampling all = seeded();
  CHECK(chosen(all, 0.49) == 0);
  CHECK(chosen(all, 0.79) == 1);
  CHECK(chosen(all, 0.94) == 2);
  CHECK(chosen(all, 0.96) == 3);
  Sampling two = all;
  two.top_k = 2;  // 0.625, 0.375
  CHECK(chosen(two, 0.62) == 0);
  CHECK(chosen(two, 0.63) == 1);
  CHECK(chosen(two, 0.999999) == 1);
  Sampling nucleus = all;
  nucleus.top_p = 0.9;  // 0.5 + 0.3 < 0.9 <= 0.95
  CHECK(chosen(nucleus, 0.999999) == 2);
  CHECK(chosen(nucleus, 0.52) == 0);  // 0.52 x 0.95 = 0.494
  CHECK(chosen(nucleus, 0.54) == 1);
  Sampling penalty = seeded(0);
  penalty.repetition_penalty = 2;  // log 0.5 x 2 = log 0.25
  CHECK(chosen(penalty, 0, {0}) == 1);
  CHECK(chosen(penalty, 0, {0, 1}) == 0);
  CHECK(chosen(penalty, 0, {3}) == 0);
  const at::Tensor positive = at::tensor({3.0, 2.0}, at::kFloat);
  CHECK(choose(positive, penalty, std::vector<int64_t>{0}, 0).token == 1);
  CHECK(choose(logits, two, {}, 0.7).log_probability == Approx(std::log(0.3)).epsilon(1e-6));
}
