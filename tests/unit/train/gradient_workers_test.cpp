#include "core/train/gradient_workers.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "tests/catch.h"

using namespace gptcore;

namespace {

// As the SDK's template: LibTorch's mean over no target is NaN.
struct Bigrams final : Model {
  void open(const ModelContext&) override { table = at::arange(25, at::kFloat).sin().view({5, 5}).requires_grad_(); }
  void place(at::Device, at::ScalarType) override {}
  std::vector<Parameter> parameters() override { return {{"table.weight", table, {}}}; }
  int64_t block_size() const override { return 4; }
  int64_t vocab_size() const override { return 5; }
  at::Tensor logits(const at::Tensor& ids) override { return at::embedding(table, ids); }
  at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) override {
    return at::cross_entropy_loss(logits(ids).flatten(0, 1), targets.flatten(), {}, at::Reduction::Mean, -1);
  }
  std::unique_ptr<Model> share() override {
    auto copy = std::make_unique<Bigrams>();
    copy->table = table.detach().requires_grad_();
    return copy;
  }
  void train(bool) override {}
  double flops_per_token() const override { return 0; }
  at::Tensor table;
};

struct Outcome {
  double loss;
  at::Tensor gradient;
};

// Of a batch whose rows have so many targets each.
Outcome outcome(const std::vector<int64_t>& targets, int64_t threads) {
  Bigrams model;
  model.open({});
  FlatParameters parameters(model.parameters());
  parameters.adopt();
  const auto rows = static_cast<int64_t>(targets.size());
  GradientWorkers workers(model, parameters, at::kCPU, rows, threads);
  CHECK(workers.count() == std::min(threads, rows));
  Batch batch{at::arange(rows * 4, at::kLong).remainder(5).view({rows, 4}), at::full({rows, 4}, -1, at::kLong)};
  for (int64_t r = 0; r < rows; ++r) batch.targets[r].narrow(0, 0, targets[static_cast<size_t>(r)]).fill_(r);
  workers.begin();
  const double loss = workers.run(MicroBatch(batch), at::ones({})).item<double>();
  workers.finish();
  return {loss, parameters.groups()[0].grads.clone()};
}

}  // namespace

TEST_CASE("rows without targets add nothing, on one thread or on several", "[trainer]") {
  const Outcome one = outcome({4, 0, 0}, 1), three = outcome({4, 0, 0}, 3);
  CHECK(one.gradient.abs().sum().item<double>() > 0.1);
  CHECK(three.loss == Approx(one.loss).epsilon(1e-6));
  CHECK(three.gradient.allclose(one.gradient, 1e-6, 1e-7));
}

TEST_CASE("a batch without targets has loss 0 and no gradient, whatever the model makes of it", "[trainer]") {
  for (const int64_t threads : {1, 3}) {
    const Outcome none = outcome({0, 0, 0}, threads);
    CHECK(none.loss == 0);
    CHECK(none.gradient.eq(0).all().item<bool>());
  }
}
