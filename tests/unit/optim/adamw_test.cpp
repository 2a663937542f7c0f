#include "core/optim/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>

#include "core/optim/grad_scaler.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

// A matrix that decays and a vector that does not; sizes that do not fill cache lines.
struct Pair {
  explicit Pair(const std::map<std::string, int64_t>& updates = {})
      : flat({{"a.matrix", matrix, {}}, {"a.vector", vector, {}}}, updates) {
    flat.adopt();
  }
  at::Tensor matrix = at::full({3, 5}, 2.0f).requires_grad_(), vector = at::full({7}, 2.0f).requires_grad_();
  FlatParameters flat;
};

at::Tensor scalar(double v) {
  return at::full({}, v);
}

// One parameter by the paper's formulas in double.
struct Reference {
  double p, m = 0, v = 0;
  void step(double g, double lr, double decay, int t) {
    p *= 1 - lr * decay;
    m = 0.9 * m + 0.1 * g;
    v = 0.95 * v + 0.05 * g * g;
    p -= lr * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.95, t))) + 1e-8);
  }
};

}  // namespace

TEST_CASE("parameters and gradients become views of the flat buffers without changing value", "[optim]") {
  Pair p;
  CHECK(p.matrix.eq(2).all().item<bool>());
  CHECK(p.matrix.sizes() == at::IntArrayRef({3, 5}));
  CHECK(p.flat.groups()[0].decays);
  CHECK_FALSE(p.flat.groups()[1].decays);
  CHECK(p.flat.count() == 22);
  const at::NoGradGuard no_grad;
  p.flat.groups()[0].values.fill_(7);
  CHECK(p.matrix.eq(7).all().item<bool>());
  p.matrix.mutable_grad().fill_(3);
  p.vector.mutable_grad().fill_(4);
  CHECK(p.flat.grad_norm().item<double>() == Approx(std::sqrt(15 * 9.0 + 7 * 16.0)));
  p.flat.zero_grad();
  CHECK(p.matrix.grad().eq(0).all().item<bool>());
}

TEST_CASE("AdamW follows the paper's formulas, decaying matrices only", "[optim]") {
  Pair p;
  AdamW optimizer(p.flat, {0.9, 0.95, 1e-8, 0.1});
  Reference matrix{2}, vector{2};
  for (int t = 1; t <= 5; ++t) {
    const double g = 0.3 * t - 0.7, lr = 0.01 * t;
    {
      const at::NoGradGuard no_grad;
      p.matrix.mutable_grad().fill_(g * 4);
      p.vector.mutable_grad().fill_(g * 4);
    }
    optimizer.step(lr, scalar(4), scalar(0));  // grad_scale divides
    matrix.step(g, lr, 0.1, t);
    vector.step(g, lr, 0, t);
  }
  CHECK(p.matrix[2][4].item<double>() == Approx(matrix.p).epsilon(1e-5));
  CHECK(p.vector[6].item<double>() == Approx(vector.p).epsilon(1e-5));
}

TEST_CASE("an update with found_inf changes no parameter, no moment and no step count", "[optim]") {
  const double bad = GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  Pair p;
  AdamW optimizer(p.flat, {});
  const at::NoGradGuard no_grad;
  p.matrix.mutable_grad().fill_(1);
  optimizer.step(0.1, scalar(1), scalar(0));
  std::vector<at::Tensor> before{p.matrix.clone(), p.vector.clone()};
  for (const auto& [name, tensor] : optimizer.state()) before.push_back(tensor.clone());
  p.matrix.mutable_grad()[1][2] = bad;
  optimizer.step(0.1, p.flat.grad_norm(), scalar(1));
  std::vector<at::Tensor> after{p.matrix, p.vector};
  for (const auto& [name, tensor] : optimizer.state()) after.push_back(tensor);
  for (size_t i = 0; i < before.size(); ++i) CHECK(at::equal(before[i], after[i]));
}

TEST_CASE("the first update of a parameter is as large as the learning rate, however many the others have had", "[optim]") {
  Pair p({{"a.matrix", 400}});
  AdamW optimizer(p.flat, {0.9, 0.999, 1e-12, 0});
  const at::NoGradGuard no_grad;
  p.matrix.mutable_grad().fill_(3);
  p.vector.mutable_grad().fill_(3);
  optimizer.step(0.01, scalar(1), scalar(0));
  CHECK((p.vector - 2).abs().max().item<double>() == Approx(0.01));
  CHECK(optimizer.moments().at("a.matrix").updates == 401);
  CHECK(optimizer.moments().at("a.vector").updates == 1);
}

TEST_CASE("one update is counted once for each parameter, in whatever order their counts come", "[optim]") {
  std::vector<Parameter> all;
  for (const char* name : {"a.weight", "b.weight", "c.bias", "d.bias", "e.weight"})
    all.push_back(
        {name,
         at::full(std::string(name).ends_with("weight") ? at::IntArrayRef{2, 2} : at::IntArrayRef{2}, 1.0f).requires_grad_(),
         {}});
  FlatParameters flat(all, {{"a.weight", 5}, {"b.weight", 7}, {"c.bias", 5}, {"d.bias", 7}});
  flat.adopt();
  AdamW optimizer(flat, {});
  optimizer.step(0.01, scalar(1), scalar(0));
  CHECK(updates_of(optimizer.moments()) ==
        std::map<std::string, int64_t>{{"a.weight", 6}, {"b.weight", 8}, {"c.bias", 6}, {"d.bias", 8}, {"e.weight", 1}});
}

TEST_CASE("a frozen parameter keeps its moments and its count", "[optim]") {
  Pair p;
  AdamW first(p.flat, {});
  p.vector.mutable_grad().fill_(3);
  for (int i = 0; i < 3; ++i) first.step(0.01, scalar(1), scalar(0));
  p.vector.set_requires_grad(false);
  FlatParameters without({{"a.matrix", p.matrix, {}}, {"a.vector", p.vector, {}}}, updates_of(first.moments()));
  AdamW second(without, {});
  second.take_over(first.moments());
  without.adopt();
  second.step(0.01, scalar(1), scalar(0));
  CHECK(updates_of(second.moments()) == std::map<std::string, int64_t>{{"a.matrix", 4}, {"a.vector", 3}});
  CHECK(at::equal(second.moments().at("a.vector").exp_avg, first.moments().at("a.vector").exp_avg));
}

TEST_CASE("parameters stay where they are until they are adopted", "[optim]") {
  const at::Tensor matrix = at::full({3, 5}, 2.0f).requires_grad_();
  const void* before = matrix.const_data_ptr();
  FlatParameters flat({{"a.matrix", matrix, {}}});
  CHECK(matrix.const_data_ptr() == before);
  CHECK_FALSE(matrix.grad().defined());
  flat.adopt();
  CHECK(matrix.const_data_ptr() == flat.groups()[0].values.const_data_ptr());
}

TEST_CASE("optimizer state is addressed by parameter name and shaped like the parameter", "[optim]") {
  Pair p;
  AdamW optimizer(p.flat, {});
  const auto state = optimizer.state();
  REQUIRE(state.size() == 6);
  CHECK(state[0].first == "exp_avg.a.matrix");
  CHECK(state[0].second.sizes() == at::IntArrayRef({3, 5}));
  CHECK(state[4].first == "exp_avg_sq.a.vector");
  CHECK(state[5].first == "step.a.vector");
}

TEST_CASE("the gradient scaler halves after an overflow and doubles after 2000 clean updates", "[optim]") {
  GradScaler scaler(true, at::kCPU);
  const float start = scaler.scale().item<float>();
  scaler.update(scalar(1));
  CHECK(scaler.scale().item<float>() == start / 2);
  for (int i = 0; i < 2000; ++i) scaler.update(scalar(0));
  CHECK(scaler.scale().item<float>() == start);
  GradScaler off(false, at::kCPU);
  off.update(scalar(1));
  CHECK(off.scale().item<float>() == 1);
}
