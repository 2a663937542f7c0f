#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>

#include <set>

#include "gptcore/error.h"
#include "testkit/cases.h"
#include "testkit/numbers.h"

namespace gptcore {
namespace {

constexpr int64_t kWidth = testing::TinyModel::kWidth;

std::unique_ptr<Adapter> opened(TinyWorld& world, const ItemSubject& s) {
  auto adapter = world.adapter(s.item.name, s.values());
  shake(adapter->parameters());
  adapter->train(false);
  return adapter;
}

void parameters_are_named(const ItemSubject& s) {
  const auto world = s.world();
  const auto adapter = opened(*world, s);
  const auto first = adapter->parameters(), second = adapter->parameters();
  expect(!first.empty(), "parameters() is empty: there is nothing to train");
  std::set<std::string> names;
  for (size_t i = 0; i < first.size(); ++i) {
    const std::string& name = first[i].name;
    expect(!name.empty() && names.insert(name).second, "the parameter name '" + name + "' is empty or taken twice");
    expect(first[i].tensor.scalar_type() == at::kFloat, "parameter '" + name + "' is not float32");
    expect(second.at(i).tensor.const_data_ptr() == first[i].tensor.const_data_ptr(),
           "parameters() gives another tensor for '" + name + "' the second time");
  }
}

void forward_is_delta(const ItemSubject& s) {
  const auto world = s.world();
  const auto adapter = opened(*world, s);
  const at::NoGradGuard no_grad;
  const at::Tensor x = normal_numbers("input", {2, 5, kWidth}), delta = adapter->delta();
  const std::vector<int64_t> weight = {3 * kWidth, kWidth};
  expect(delta.sizes() == at::IntArrayRef(weight), "delta() has not the weight's shape");
  const at::Tensor got = adapter->forward(x), wanted = at::matmul(x, delta.t());
  expect(got.sizes() == wanted.sizes(), "forward() of (2, 5, in) is not (2, 5, out)");
  expect(at::allclose(got, wanted, 1e-4, 1e-5),
         "forward(x) is not x times delta(): it differs by up to " + std::to_string((got - wanted).abs().max().item<double>()));
}

void embedding_rows(const ItemSubject& s) {
  const auto world = s.world();
  std::unique_ptr<Adapter> adapter;
  try {
    adapter = world->adapter(s.item.name, s.values(), LayerKind::embedding);
  } catch (const Error& error) {
    if (error.code() == Code::model_shape) throw CaseSkipped("it does not suit embeddings: " + std::string(error.what()));
    throw;
  }
  shake(adapter->parameters());
  adapter->train(false);
  const at::NoGradGuard no_grad;
  const at::Tensor ids = some_ids("ids", 2, 5, testing::TinyModel::kVocabSize);
  const at::Tensor wanted = adapter->delta().index_select(0, ids.reshape({-1})).reshape({2, 5, kWidth});
  const at::Tensor got = adapter->forward(ids);
  expect(got.sizes() == wanted.sizes() && at::allclose(got, wanted, 1e-4, 1e-5), "forward(ids) is not the rows of delta()");
}

void gradients_exist(const ItemSubject& s) {
  const auto world = s.world();
  const auto adapter = opened(*world, s);
  adapter->train(true);
  const auto parameters = adapter->parameters();
  expect(any_trainable(parameters), "no parameter requires gradients; make them with .requires_grad_()");
  adapter->forward(normal_numbers("input", {2, 5, kWidth})).square().sum().backward();
  for (const Parameter& p : parameters)
    expect(!p.tensor.requires_grad() || (p.tensor.grad().defined() && p.tensor.grad().isfinite().all().item<bool>()),
           "parameter '" + p.name + "' gets no finite gradient");
}

// Only the adapter's own parameters move, and each of them does.
void is_trained(const ItemSubject& s) {
  const ScratchFolder before, after;
  TinyPlan plan = s.plan();
  if (find(plan.parameters, "train_base")) throw CaseSkipped("--set gives train_base");
  const RunOutcome trained = s.run(plan, after);
  plan.steps = 0;
  const RunOutcome initial = s.run(plan, before);
  const std::string mark = "." + s.item.name + ".";
  int own = 0;
  for (const auto& [name, tensor] : trained.model) {
    const bool is_own = name.find(mark) != std::string::npos;
    const bool moved = !at::equal(tensor, initial.model.at(name));
    own += is_own;
    expect(!is_own || moved, "after 20 updates '" + name + "' has not changed");
    expect(is_own || !moved, "the base parameter '" + name + "' has changed");
  }
  expect(own > 0, "no parameter of the run is called '<layer>" + mark + "...'");
}

}  // namespace

void add_adapter_cases(const ItemSubject& subject, Cases& cases) {
  add_case(subject, cases, "parameters_are_named", parameters_are_named);
  add_case(subject, cases, "forward_is_delta", forward_is_delta);
  add_case(subject, cases, "embedding_rows", embedding_rows);
  add_case(subject, cases, "gradients_exist", gradients_exist);
  add_case(subject, cases, "is_trained", is_trained);
}

}  // namespace gptcore
