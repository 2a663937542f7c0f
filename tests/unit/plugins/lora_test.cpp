// The adapter `lora` by itself; lora_model_test.cpp has it on a GPT.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "built_in.h"
#include "core/model/gpt.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

constexpr int64_t kIn = 16, kOut = 24, kRows = 20;

// Standard normal, the same at every run.
at::Tensor normal(at::IntArrayRef shape, uint64_t seed) {
  const at::Tensor t = at::empty(shape, at::kFloat);
  init_parameters({{"t", t, {1, 0}}}, seed);
  return t;
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  return (a - b).abs().max().item<double>();
}

// A matrix of that rank with singular values rank, rank - 1, ..., 1.
at::Tensor of_rank(int64_t rank, int64_t rows, int64_t columns) {
  const at::Tensor u = std::get<0>(at::linalg_qr(normal({rows, rank}, 5).to(at::kDouble)));
  const at::Tensor v = std::get<0>(at::linalg_qr(normal({columns, rank}, 6).to(at::kDouble)));
  return at::matmul(u * at::arange(rank, 0, -1, at::kDouble), v.t()).to(at::kFloat);
}

// An opened adapter, out of training, on a frozen weight of normal values.
struct Lora {
  explicit Lora(const Table& values, LayerKind kind = LayerKind::linear, bool filled = true)
      : linear(kind == LayerKind::linear) {
    weight = normal(linear ? at::IntArrayRef{kOut, kIn} : at::IntArrayRef{kRows, kIn}, 1);
    adapter = built_in().adapter("lora", values);
    adapter->open({linear ? "blocks.0.attn.qkv" : "wte", kind, weight, &host});
    init_parameters(adapter->parameters(), 2);
    adapter->train(false);
    const at::NoGradGuard no_grad;
    if (filled) b().copy_(normal(b().sizes(), 3));
  }
  at::Tensor a() { return adapter->parameters().at(0).tensor; }
  at::Tensor b() { return adapter->parameters().at(1).tensor; }
  at::Tensor input() const {
    if (linear) return normal({2, 5, kIn}, 4);
    return at::arange(10, at::kLong).view({2, 5}).mul(7).remainder(kRows);
  }
  bool linear;
  SilentHost host;
  at::Tensor weight;
  std::unique_ptr<Adapter> adapter;
};

Error refusal(const Table& values, LayerKind kind) {
  return error_of([&] { Lora(values, kind); });
}

}  // namespace

TEST_CASE("lora on a linear adds (alpha / rank) B A x, and learns as that does", "[lora]") {
  Lora lora({{"rank", 4}, {"alpha", 10.0}});
  const at::Tensor x = lora.input().requires_grad_();
  const at::Tensor a = lora.a().detach().clone().requires_grad_(), b = lora.b().detach().clone().requires_grad_();
  const at::Tensor x2 = x.detach().clone().requires_grad_();
  const at::Tensor got = lora.adapter->forward(x), wanted = at::matmul(x2, (at::matmul(b, a) * 2.5).t());
  CHECK(distance(got, wanted) < 2e-5);  // of values up to 50
  const at::Tensor weights = normal(got.sizes(), 9);
  (got * weights).sum().backward();
  (wanted * weights).sum().backward();
  CHECK(at::allclose(lora.a().grad(), a.grad(), 1e-4, 1e-4));
  CHECK(at::allclose(lora.b().grad(), b.grad(), 1e-4, 1e-4));
  CHECK(at::allclose(x.grad(), x2.grad(), 1e-4, 1e-4));
}

TEST_CASE("lora starts with nothing to add, A as kaiming_uniform would or N(0, 0.02), B zero", "[lora]") {
  const LayerKind kind = GENERATE(LayerKind::linear, LayerKind::embedding);
  Lora lora({{"rank", 4}}, kind, /*filled=*/false);
  const auto parameters = lora.adapter->parameters();
  REQUIRE(parameters.size() == 2);
  CHECK(parameters[0].name == "a");
  CHECK(parameters[1].name == "b");
  const bool linear = kind == LayerKind::linear;
  CHECK(lora.a().sizes() == (linear ? at::IntArrayRef({4, kIn}) : at::IntArrayRef({kRows, 4})));
  CHECK(lora.b().sizes() == (linear ? at::IntArrayRef({kOut, 4}) : at::IntArrayRef({4, kIn})));
  CHECK(parameters[0].init.std == Approx(linear ? std::sqrt(1.0 / 16) / std::sqrt(3.0) : 0.02));
  CHECK((parameters[1].init.std == 0 && parameters[1].init.value == 0));
  CHECK((lora.a().requires_grad() && lora.b().requires_grad()));
  CHECK(lora.adapter->forward(lora.input()).abs().max().item<double>() == 0);
  CHECK(lora.adapter->delta().abs().max().item<double>() == 0);
}

TEST_CASE("lora's delta is what its forward adds", "[lora]") {
  Lora linear({{"rank", 4}, {"alpha", 1.0}});
  const at::Tensor delta = linear.adapter->delta();
  CHECK(!delta.requires_grad());
  CHECK(distance(linear.adapter->forward(at::eye(kIn).unsqueeze(0)).squeeze(0), delta.t()) < 1e-6);
  for (const char* mode : {"add", "replace"}) {
    Lora rows({{"rank", 4}, {"alpha", 1.0}, {"mode", mode}}, LayerKind::embedding);
    const at::Tensor every = at::arange(kRows, at::kLong).unsqueeze(0);
    CHECK(distance(rows.adapter->forward(every).squeeze(0), rows.adapter->delta()) < 1e-6);
  }
}

TEST_CASE("lora on an embedding adds rows of (alpha / rank) A B, and learns as they do", "[lora]") {
  Lora lora({{"rank", 4}, {"alpha", 10.0}}, LayerKind::embedding);
  const at::Tensor a = lora.a().detach().clone().requires_grad_(), b = lora.b().detach().clone().requires_grad_();
  const at::Tensor got = lora.adapter->forward(lora.input());
  const at::Tensor wanted = at::embedding(at::matmul(a, b) * 2.5, lora.input());
  CHECK(distance(got, wanted) < 1e-6);
  got.square().sum().backward();
  wanted.square().sum().backward();
  CHECK(at::allclose(lora.a().grad(), a.grad(), 1e-4, 1e-5));
  CHECK(at::allclose(lora.b().grad(), b.grad(), 1e-4, 1e-5));
}

TEST_CASE("an embedding that lora replaces gives lora's rows alone, also after its weight has changed", "[lora]") {
  Lora lora({{"rank", 4}, {"alpha", 4.0}, {"mode", "replace"}}, LayerKind::embedding);
  lora.weight.mul_(3);
  const at::Tensor output = at::embedding(lora.weight, lora.input()) + lora.adapter->forward(lora.input());
  CHECK(distance(output, at::embedding(at::matmul(lora.a(), lora.b()), lora.input())) < 1e-5);
  CHECK(distance(lora.weight + lora.adapter->delta(), at::matmul(lora.a(), lora.b())) < 1e-5);
  lora.adapter->forward(lora.input()).sum().backward();
  CHECK(!lora.weight.grad().defined());
}

TEST_CASE("an embedding that lora replaces must be frozen while it trains", "[lora]") {
  Lora lora({{"rank", 4}, {"mode", "replace"}}, LayerKind::embedding);
  lora.weight.requires_grad_();
  lora.adapter->forward(lora.input());
  lora.adapter->train(true);
  const Error trained = error_of([&] { lora.adapter->forward(lora.input()); });
  CHECK(trained.code() == Code::conflict);
  CHECK_THAT(trained.line(), Contains("'wte'") && Contains("train_base = false"));
  lora.weight.requires_grad_(false);
  lora.adapter->forward(lora.input());
}

TEST_CASE("lora takes over exactly what its rank can hold, shared equally between A and B", "[lora]") {
  const LayerKind kind = GENERATE(LayerKind::linear, LayerKind::embedding);
  const char* mode = GENERATE("add", "replace");
  if (kind == LayerKind::linear && std::string(mode) == "replace") return;
  CAPTURE(mode);
  Lora lora({{"rank", 3}, {"alpha", 7.0}, {"mode", mode}}, kind);
  at::Tensor delta = of_rank(3, lora.weight.size(0), kIn);
  if (std::string(mode) == "replace") delta -= lora.weight;
  const void* home = lora.a().const_data_ptr();
  lora.adapter->take(delta);
  CHECK(lora.a().const_data_ptr() == home);
  CHECK(distance(lora.adapter->delta(), delta) < 2e-6);
  const at::Tensor sizes_a = lora.a().norm(2, kind == LayerKind::linear ? 1 : 0);
  const at::Tensor sizes_b = lora.b().norm(2, kind == LayerKind::linear ? 0 : 1);
  CHECK(distance(sizes_a, sizes_b) < 1e-5);
  CHECK(sizes_a[0].item<double>() == Approx(std::sqrt(3 * 3 / 7.0)));  // the largest singular value over alpha / rank
}

TEST_CASE("lora takes over the nearest product when its rank is too small", "[lora]") {
  Lora lora({{"rank", 5}});
  const at::Tensor delta = normal({kOut, kIn}, 8);
  lora.adapter->take(delta);
  const at::Tensor s = std::get<1>(at::linalg_svd(delta.to(at::kDouble), false));
  const double error = (lora.adapter->delta().to(at::kDouble) - delta).norm().item<double>();
  CHECK(error == Approx(s.narrow(0, 5, kIn - 5).norm().item<double>()).epsilon(1e-5));
}

TEST_CASE("what lora takes over depends on the matrix alone", "[lora]") {
  Lora one({{"rank", 4}}), other({{"rank", 4}}, LayerKind::linear, /*filled=*/false);
  const at::Tensor delta = of_rank(6, kOut, kIn);
  one.adapter->take(delta);
  other.adapter->take(delta);
  CHECK((at::equal(one.a(), other.a()) && at::equal(one.b(), other.b())));
  const at::Tensor largest = one.b().gather(0, one.b().abs().argmax(0, true));
  CHECK(largest.gt(0).all().item<bool>());
  other.adapter->take(-delta);  // the same left vectors, so the signs are on the right
  CHECK(distance(other.b(), one.b()) < 1e-5);
  CHECK(distance(other.a(), -one.a()) < 1e-5);
}

TEST_CASE("a rank that grows keeps the product, and its new directions can learn", "[lora]") {
  const LayerKind kind = GENERATE(LayerKind::linear, LayerKind::embedding);
  Lora small({{"rank", 2}}, kind), large({{"rank", 6}}, kind);
  const at::Tensor delta = small.adapter->delta();
  large.adapter->take(delta);
  CHECK(distance(large.adapter->delta(), delta) < 1e-5);
  const int over = kind == LayerKind::linear ? 1 : 0;
  const double start = (kind == LayerKind::linear ? std::sqrt(1.0 / 3) : 0.02 * std::sqrt(1.0 * kRows));
  const at::Tensor a = large.a().norm(2, over), b = large.b().norm(2, 1 - over);
  for (int64_t i = 0; i < 6; ++i) {
    CAPTURE(i);
    CHECK((b[i].item<double>() > 0) == (i < 2));
    if (i >= 2) CHECK(a[i].item<double>() == Approx(start));
  }
}

TEST_CASE("lora that takes over nothing adds nothing and can learn", "[lora]") {
  Lora lora({{"rank", 4}});
  lora.adapter->take(at::zeros({kOut, kIn}));
  CHECK(lora.adapter->forward(lora.input()).abs().max().item<double>() == 0);
  lora.adapter->forward(lora.input()).sum().backward();
  CHECK(lora.b().grad().abs().max().item<double>() > 0);
}

TEST_CASE("lora drops inputs of A in training only, drawn from LibTorch's generator", "[lora]") {
  Lora lora({{"rank", kIn}, {"alpha", double(kIn)}, {"dropout", 0.5}});
  {
    const at::NoGradGuard no_grad;
    lora.a().copy_(at::eye(kIn));
    lora.b().copy_(at::eye(kOut, kIn));
  }
  const at::Tensor x = at::ones({4, 8, kIn});
  const auto drawn = [&](uint64_t seed) {
    at::manual_seed(seed);
    return lora.adapter->forward(x).narrow(-1, 0, kIn);
  };
  CHECK(at::equal(drawn(1), x));
  lora.adapter->train(true);
  const at::Tensor y = drawn(1);
  CHECK((y.eq(0) | y.eq(2)).all().item<bool>());  // kept ones make up for those left out
  CHECK(y.eq(0).to(at::kFloat).mean().item<double>() == Approx(0.5).margin(0.1));
  CHECK(at::equal(y, drawn(1)));
  CHECK(!at::equal(y, drawn(2)));
  lora.adapter->train(false);
  CHECK(at::equal(drawn(1), x));
}

TEST_CASE("lora computes a linear in the type of its input", "[lora]") {
  Lora lora({{"rank", 4}});
  const at::Tensor exact = lora.adapter->forward(lora.input()), half = lora.adapter->forward(lora.input().to(at::kBFloat16));
  CHECK(half.scalar_type() == at::kBFloat16);
  CHECK(distance(half.to(at::kFloat), exact) < 0.02 * exact.abs().max().item<double>());
  half.to(at::kFloat).sum().backward();
  CHECK(lora.a().grad().scalar_type() == at::kFloat);
}

TEST_CASE("lora refuses what it cannot sit on, naming rank, layer and sizes", "[lora]") {
  const Error rank = refusal({{"rank", 17}}, LayerKind::linear);
  CHECK(rank.code() == Code::model_shape);
  CHECK_THAT(rank.line(),
             Contains("rank 17") && Contains("'blocks.0.attn.qkv'") && Contains("[24, 16]") && Contains("16 or less"));
  CHECK(refusal({{"rank", 17}}, LayerKind::embedding).code() == Code::model_shape);
  Lora most({{"rank", 16}});
  const Error replace = refusal({{"mode", "replace"}}, LayerKind::linear);
  CHECK(replace.code() == Code::model_shape);
  CHECK_THAT(replace.line(), Contains("\"replace\"") && Contains("is a linear"));
  for (const LayerKind kind : {LayerKind::norm, LayerKind::block}) {
    const Error e = refusal({}, kind);
    CHECK(e.code() == Code::model_shape);
    CHECK_THAT(e.line(), Contains(std::string("is a ") + name_of(kind)));
  }
}

TEST_CASE("lora refuses to take over a matrix of another shape or one that is not finite", "[lora]") {
  Lora lora({{"rank", 2}});
  const at::Tensor before = lora.a().detach().clone();
  const Error shape = error_of([&] { lora.adapter->take(at::zeros({kIn, kOut})); });
  CHECK(shape.code() == Code::model_shape);
  CHECK_THAT(shape.line(), Contains("[16, 24]") && Contains("[24, 16]"));
  at::Tensor delta = at::zeros({kOut, kIn});
  delta[3][4] = std::nan("");
  CHECK(error_of([&] { lora.adapter->take(delta); }).code() == Code::nonfinite);
  CHECK(at::equal(lora.a(), before));
}
