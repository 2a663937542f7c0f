// What may be drawn: ids that the tokenizer has, by logits that are numbers, penalised by what the model sees.
#include "core/model/sampling.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <limits>

#include "core/model/generate.h"
#include "gptcore/error.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

// Counts from 0 to 5 and begins anew; 6 is almost as likely as the token that is next.
struct Counting final : Model {
  void open(const ModelContext&) override {}
  void place(at::Device, at::ScalarType) override {}
  std::vector<Parameter> parameters() override { return {}; }
  int64_t block_size() const override { return 4; }
  int64_t vocab_size() const override { return 7; }
  at::Tensor logits(const at::Tensor& ids) override {
    at::Tensor out = at::full({ids.size(0), ids.size(1), 7}, 0.9F);
    for (int64_t t = 0; t < ids.size(1); ++t) out[0][t][(ids[0][t].item<int64_t>() + 1) % 6] = 1;
    return out;
  }
  at::Tensor loss(const at::Tensor&, const at::Tensor&) override { return {}; }
  void train(bool) override {}
  double flops_per_token() const override { return 0; }
};

std::string refusal(const at::Tensor& logits, const Sampling& sampling) {
  try {
    return "drew " + std::to_string(choose(logits, sampling, {}, 0.99).token);
  } catch (const Error& e) {
    return e.line();
  }
}

}  // namespace

TEST_CASE("logits that are no numbers are an error and never an id", "[model]") {
  for (const double temperature : {0.0, 1.0})
    for (const std::vector<float>& bad :
         {std::vector<float>{1, kNan, 2}, {kNan, kNan, kNan}, {1, kInf, 2}, {-kInf, -kInf, -kInf}, {1, 2, 3, kNan}}) {
      Sampling s;
      s.temperature = temperature;
      s.vocab_size = 3;
      const std::string said = refusal(at::tensor(bad), s);
      INFO(said);
      CHECK(said.find("error[GC600]: the model's logits are not finite") != std::string::npos);
    }
  CHECK(refusal(at::tensor({-kInf, 1.0F, -kInf}), {}) == "drew 1");  // a model may rule ids out
}

TEST_CASE("a temperature of almost 0 draws the likeliest", "[model]") {
  Sampling s;
  s.temperature = 1e-300;
  CHECK(refusal(at::tensor({1.0F, 3.0F, 2.0F}), s) == "drew 1");
  CHECK(refusal(at::tensor({-1.0F, -3.0F, -2.0F}), s) == "drew 0");
}

TEST_CASE("ids that the tokenizer does not have are never drawn", "[model]") {
  const at::Tensor logits = at::arange(10, at::kFloat);  // the likeliest is beyond the tokenizer's 7
  for (const double temperature : {0.0, 1.0, 100.0})
    for (const int64_t top_k : {0, 1, 3, 9})
      for (const double top_p : {0.5, 1.0})
        for (const double u : {0.0, 0.3, 0.6, 0.9999999}) {
          Sampling s{temperature, top_k, top_p, 1.3};
          s.vocab_size = 7;
          CHECK(choose(logits, s, std::vector<int64_t>{8, 1}, u).token < 7);
        }
  Sampling s;
  s.temperature = 0;
  s.vocab_size = 7;
  const NextToken six = choose(logits, s, {}, 0);
  CHECK(six.token == 6);
  CHECK(six.log_probability == Approx(6 - std::log((std::exp(10) - 1) / (std::exp(1) - 1))).epsilon(1e-6));  // of all ten
  s.vocab_size = 100;  // a tokenizer may have more than the model
  CHECK(choose(logits, s, {}, 0).token == 9);
}

TEST_CASE("a repetition is one of the tokens that the model sees", "[model]") {
  Counting model;
  Sampling s;
  s.temperature = 0;
  s.repetition_penalty = 1.5;
  std::vector<int32_t> all, wanted;
  generate(model, at::kCPU, {{{0}, 0}}, 24, s, [&](size_t, const NextToken& c) {
    all.push_back(c.token);
    wanted.push_back(static_cast<int32_t>(all.size() % 6));  // which the model saw 6 tokens ago, when its context is 4
    return true;
  });
  CHECK(all == wanted);
}
