#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>

#include "built_in.h"
#include "core/model/gpt.h"
#include "core/model/network.h"
#include "gptcore/evaluator.h"
#include "gptcore/random.h"
#include "plugins/evaluator/model_analysis/gpt_forward.h"
#include "plugins/evaluator/model_analysis/matrix.h"
#include "tests/catch.h"

using namespace gptcore;
using namespace model_analysis;

namespace {

struct Sums final : Results {
  void add(std::string_view metric, double sum, double count) override {
    auto& [total, number] = all[std::string(metric)];
    total += sum;
    number += count;
    if (order.empty() || std::find(order.begin(), order.end(), metric) == order.end()) order.emplace_back(metric);
  }
  void item(const Table&) override {}
  double operator[](const std::string& metric) const {
    const auto& [sum, count] = all.at(metric);
    return sum / count;
  }
  bool has(const std::string& part) const {
    return std::any_of(order.begin(), order.end(),
                       [&](const std::string& name) { return name.find(part) != std::string::npos; });
  }
  std::map<std::string, std::pair<double, double>> all;
  std::vector<std::string> order;
};

struct Listening final : Host {
  void log(Level, std::string_view text) override { lines.emplace_back(text); }
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  std::string fetch(std::string_view, std::string_view) override { return {}; }
  std::vector<std::string> lines;
};

GptOptions sizes() {
  GptOptions o;
  o.n_layer = 2;
  o.n_head = 4;
  o.n_embd = 16;
  o.block_size = 8;
  o.vocab_size = 21;
  return o;
}

// A GPT whose weights are large enough to make attention uneven.
struct Subject {
  explicit Subject(const GptOptions& o = sizes(), double scale = 8) : network(std::make_unique<Gpt>(o)) {
    network.open({});
    network.place(at::kCPU, at::kFloat);
    init_parameters(network.parameters(), 3);
    const at::NoGradGuard no_grad;
    for (const Parameter& p : network.parameters())
      if (p.decays()) p.tensor.mul_(scale);
  }
  std::unique_ptr<Evaluator> evaluator(const Table& values = {}, int64_t rank = 0, int64_t ranks = 1) {
    auto made = built_in().evaluator("model_analysis", values);
    made->open({tokenizer.get(), 5, rank, ranks, &host});
    return made;
  }
  Sums measured(const Table& values = {}) {
    Sums sums;
    const at::NoGradGuard no_grad;
    evaluator(values)->evaluate(view, sums);
    return sums;
  }
  at::Tensor parameter(const std::string& name) {
    for (const Parameter& p : network.parameters())
      if (p.name == name) return p.tensor.detach();
    throw std::logic_error(name);
  }
  Network network;
  NetworkView view{network};
  std::unique_ptr<Tokenizer> tokenizer;
  Listening host;
};

at::Tensor random_matrix(int64_t rows, int64_t columns) {
  at::Tensor m = at::zeros({rows, columns});
  for (int64_t i = 0; i < m.numel(); ++i) m.view({-1})[i] = random_normal(1, static_cast<uint64_t>(i));
  return m;
}

}  // namespace

TEST_CASE("the effective rank is 1 for rank one, n for equal directions and in between for others", "[analysis]") {
  CHECK(facts_of(at::ones({30, 7})).effective_rank == Approx(1).epsilon(1e-4));
  CHECK(facts_of(at::eye(6) * 3).effective_rank == Approx(6));
  CHECK(facts_of(at::eye(6) * 3).spectral_norm == Approx(3));
  CHECK(facts_of(at::eye(6) * 3).weight_norm == Approx(3 * std::sqrt(6.0)));
  const double p = 0.75, q = 0.25;  // of singular values 3 and 1
  CHECK(facts_of(at::diag(at::arange(3, 0, -2, at::kFloat))).effective_rank ==
        Approx(std::exp(-p * std::log(p) - q * std::log(q))));
}

TEST_CASE("a matrix is measured as by its singular values, whichever side is longer", "[analysis]") {
  const at::Tensor matrix = random_matrix(300, 12);
  const at::Tensor values = at::linalg_svdvals(matrix.to(at::kDouble)), share = values / values.sum();
  for (const at::Tensor& m : {matrix, matrix.t()}) {
    const MatrixFacts facts = facts_of(m);
    CHECK(facts.effective_rank == Approx(std::exp(-(share * share.log()).sum().item<double>())));
    CHECK(facts.spectral_norm == Approx(values[0].item<double>()));
    CHECK(facts.weight_norm == Approx(matrix.norm().item<double>()));
  }
}

TEST_CASE("a matrix longer than one piece is measured whole", "[analysis]") {
  const at::Tensor matrix = at::zeros({9000, 2});
  matrix[8999][1] = 4;
  matrix[0][0] = 4;
  CHECK(facts_of(matrix).effective_rank == Approx(2));
  CHECK(facts_of(matrix).spectral_norm == Approx(4));
}

TEST_CASE("a matrix of zeros has no rank, one that is not finite has no number", "[analysis]") {
  CHECK(facts_of(at::zeros({3, 4})).effective_rank == 0);
  CHECK(facts_of(at::zeros({3, 0})).spectral_norm == 0);
  const at::Tensor broken = at::ones({3, 4});
  broken[1][1] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(facts_of(broken).effective_rank));
  CHECK(std::isnan(facts_of(broken).weight_norm));
}

TEST_CASE("the second forward pass finds a GPT's heads and form, and gives its logits", "[analysis]") {
  GptOptions o = sizes();
  o.n_head = GENERATE(1, 2, 4, 8);
  o.rotary = GENERATE(false, true);
  o.bias = GENERATE(false, true);
  o.gelu = GENERATE("erf", "tanh");
  o.vocab_multiple = 16;  // rows of wte that are no token
  CAPTURE(o.n_head, o.rotary, o.bias, o.gelu);
  const at::NoGradGuard no_grad;
  Subject s(o);
  const auto forward = GptForward::of(s.view);
  REQUIRE(forward);
  const at::Tensor ids = at::arange(8, at::kLong).mul(5).remainder(21);
  const auto details = details_of(*forward, s.view, ids, 0);
  REQUIRE(details);
  CHECK(details->heads == o.n_head);
  CHECK(details->tanh == (o.gelu == "tanh"));
  const at::Tensor wanted = s.view.logits(ids.unsqueeze(0)).squeeze(0);
  CHECK((forward->run(ids, *details).logits - wanted).abs().max().item<double>() < 1e-4);
  CHECK(details_of(*forward, s.view, ids, o.n_head));
  if (o.n_head > 1) CHECK_FALSE(details_of(*forward, s.view, ids, 1));
}

TEST_CASE("heads are found before training, when weights are small", "[analysis]") {
  const at::NoGradGuard no_grad;
  Subject s(sizes(), 1);
  const auto details = details_of(*GptForward::of(s.view), s.view, at::arange(8, at::kLong), 0);
  REQUIRE(details);
  CHECK(details->heads == 4);
}

TEST_CASE("even attention has the entropy of its number of positions", "[analysis]") {
  const at::NoGradGuard no_grad;
  Subject s;
  s.parameter("blocks.0.attn.qkv.weight").zero_();
  const auto entropy = GptForward::of(s.view)->run(at::arange(8, at::kLong), {4, false}).entropy;
  double even = 0;
  for (int t = 1; t <= 8; ++t) even += std::log(t) / 8;
  CHECK(entropy[0] == Approx(even));
  CHECK(entropy[1] < even - 0.01);
  CHECK(entropy[1] > 0);
}

TEST_CASE("every matrix of the model has its numbers, and means of them come first", "[analysis]") {
  Subject s;
  const Sums sums = s.measured();
  CHECK(std::vector<std::string>(sums.order.begin(), sums.order.begin() + 4) ==
        std::vector<std::string>{"mean.effective_rank", "mean.weight_norm", "mean.spectral_norm", "mean.attention_entropy"});
  double norms = 0;
  int matrices = 0;
  for (const auto& [name, sum] : sums.all)
    if (name.ends_with(".weight_norm") && name != "mean.weight_norm") {
      norms += sum.first;
      ++matrices;
    }
  CHECK(matrices == 10);  // wte, wpe, four a block
  CHECK(sums["mean.weight_norm"] == Approx(norms / 10));
  CHECK(sums["wte.weight_norm"] == Approx(s.parameter("wte.weight").norm().item<double>()));
  CHECK(sums["mean.attention_entropy"] ==
        Approx((sums["blocks.0.attention_entropy"] + sums["blocks.1.attention_entropy"]) / 2));
  CHECK(s.host.lines.empty());
}

TEST_CASE("layers are chosen by pattern, and their own numbers may be left out", "[analysis]") {
  Subject s;
  const Sums some = s.measured({{"layers", List{"blocks.*.attn.qkv", "lm_head", "wte"}}, {"attention_entropy", false}});
  CHECK(some.all.at("mean.effective_rank").second == 3);  // wte once
  CHECK_FALSE(some.has("mlp"));
  CHECK_FALSE(some.has("attention_entropy"));
  const Sums means = s.measured({{"per_layer", false}});
  CHECK(means.order.size() == 4);
}

TEST_CASE("attention is measured on a text, cut into pieces of the context", "[analysis]") {
  Subject s;
  s.tokenizer = built_in().tokenizer("char", {});
  s.tokenizer->learn("abcdefghijklmnopqrstu");
  const Sums sums = s.measured({{"text", "abcabcabcabc"}, {"sequences", 100}});  // 8 + 4 characters
  CHECK(sums.all.at("blocks.0.attention_entropy").second == 2);
  CHECK(sums["mean.attention_entropy"] != s.measured()["mean.attention_entropy"]);
  CHECK_THROWS_AS(s.evaluator({{"text", "abc!"}}), Error);
  s.tokenizer.reset();
  CHECK_THROWS_WITH(s.evaluator({{"text", "abc"}}), Catch::Contains("needs a tokenizer"));
}

TEST_CASE("a model that attention cannot be measured on is told once and keeps its other numbers", "[analysis]") {
  Subject s;
  Table values;
  SECTION("another number of heads") {
    values = {{"heads", 8}};
  }
  SECTION("heads that do not divide the width") {
    values = {{"heads", 5}};
  }
  SECTION("heads that make no difference") {
    for (const char* block : {"0", "1"}) s.parameter("blocks." + std::string(block) + ".attn.proj.weight").zero_();
  }
  SECTION("adapters") {
    std::shared_ptr<Adapter> lora = built_in().adapter("lora", {{"rank", 2}});
    lora->open({"blocks.0.attn.qkv", LayerKind::linear, s.parameter("blocks.0.attn.qkv.weight"), &s.host});
    s.network.attach({"blocks.0.attn.qkv", "lora", {}}, lora);
    init_parameters(lora->parameters(), 1);
  }
  const at::NoGradGuard no_grad;
  const auto evaluator = s.evaluator(values);
  Sums sums;
  evaluator->evaluate(s.view, sums);
  evaluator->evaluate(s.view, sums);
  CHECK_FALSE(sums.has("attention_entropy"));
  CHECK(sums.all.at("wte.weight_norm").second == 2);
  REQUIRE(s.host.lines.size() == 1);
  CHECK_THAT(s.host.lines[0], Catch::Contains("model_analysis measures no attention_entropy"));
}

TEST_CASE("values that cannot be are refused, and layers that are not there too", "[analysis]") {
  const auto problem = [](const Table& values) {
    std::string text;
    for (const Problem& p : built_in().item(Kind::evaluator, "model_analysis").check(values)) text += p.message;
    return text;
  };
  CHECK_THAT(problem({{"layers", List{}}}), Catch::Contains("names no layer"));
  CHECK(problem({}) == "");
  Subject s;
  CHECK_THROWS_WITH(s.measured({{"layers", List{"blocks.0.attn.qk"}}}), Catch::Contains("no layer fits"));
  CHECK_THROWS_WITH(s.measured({{"layers", List{"ln_f"}}}), Catch::Contains("has a weight matrix"));
  const Item& item = built_in().item(Kind::evaluator, "model_analysis");
  const auto refused = [&](const std::string& key, const Value& value) {
    for (const ParamSpec& spec : item.params)
      if (spec.name == key) return misfit(spec, value).has_value();
    return false;
  };
  CHECK(refused("heads", -1));
  CHECK(refused("sequences", 0));
  CHECK(refused("context", 0));
  CHECK(refused("context", 4097));
  CHECK(refused("layers", 3));
  CHECK(refused("attention_entropy", "yes"));
}
