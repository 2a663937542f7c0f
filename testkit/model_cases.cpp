#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/equal.h>

#include <set>

#include "gptcore/error.h"
#include "testkit/cases.h"
#include "testkit/numbers.h"

namespace gptcore {
namespace {

// A model at a point where nothing is zero.
struct Subject {
  explicit Subject(const ItemSubject& s) : world(s.world()), model(world->model(s.item.name, s.values())) {
    shake(model->parameters());
    model->train(false);
    block = model->block_size();
    vocab = model->vocab_size();
  }
  at::Tensor ids(const std::string& name, int64_t rows, int64_t length) const { return some_ids(name, rows, length, vocab); }

  std::unique_ptr<TinyWorld> world;
  std::unique_ptr<Model> model;
  int64_t block = 0, vocab = 0;
};

void parameters_are_stable(const ItemSubject& s) {
  const Subject t(s);
  const auto first = t.model->parameters(), second = t.model->parameters();
  expect(!first.empty(), "parameters() is empty");
  expect(first.size() == second.size(), "parameters() gives another number the second time");
  std::set<std::string> names;
  for (size_t i = 0; i < first.size(); ++i) {
    const std::string& name = first[i].name;
    expect(names.insert(name).second, "two parameters are named '" + name + "'");
    expect(first[i].tensor.scalar_type() == at::kFloat, "parameter '" + name + "' is not float32");
    expect(name == second[i].name && first[i].tensor.const_data_ptr() == second[i].tensor.const_data_ptr(),
           "parameters() gives another tensor for '" + name + "' the second time");
  }
}

void shapes(const ItemSubject& s) {
  const Subject t(s);
  const at::NoGradGuard no_grad;
  expect(t.vocab >= testing::TinyModel::kVocabSize, "vocab_size() is " + std::to_string(t.vocab) + ", and " +
                                                        std::to_string(testing::TinyModel::kVocabSize) + " were asked for");
  for (const int64_t length : {int64_t{1}, (t.block + 1) / 2, t.block}) {
    const at::Tensor logits = t.model->logits(t.ids("shapes", 2, length));
    const std::vector<int64_t> wanted = {2, length, t.vocab};
    expect(logits.sizes() == at::IntArrayRef(wanted), "logits of (2, " + std::to_string(length) + ") ids are not (2, " +
                                                          std::to_string(length) + ", " + std::to_string(t.vocab) + ")");
    expect(logits.isfinite().all().item<bool>(), "logits are not finite");
  }
}

void loss_is_of_logits(const ItemSubject& s) {
  const Subject t(s);
  const at::NoGradGuard no_grad;
  const at::Tensor ids = t.ids("ids", 3, t.block), targets = t.ids("targets", 3, t.block);
  targets[0].fill_(-1);
  const at::Tensor loss = t.model->loss(ids, targets);
  expect(loss.dim() == 0 && loss.scalar_type() == at::kFloat, "loss() is not a 0-dim float32");
  const at::Tensor flat = t.model->logits(ids).reshape({-1, t.vocab}).to(at::kDouble);
  const at::Tensor expected = at::cross_entropy_loss(flat, targets.reshape({-1}), {}, at::Reduction::Mean, /*ignore_index=*/-1);
  const auto got = loss.item<double>(), wanted = expected.item<double>();
  expect(std::abs(got - wanted) <= 1e-4 * std::max(1.0, wanted),  // float32 sums in another order
         "loss() is " + std::to_string(got) + ", the cross-entropy of logits() " + std::to_string(wanted));
}

void gradients_exist(const ItemSubject& s) {
  const Subject t(s);
  const auto parameters = t.model->parameters();
  expect(any_trainable(parameters), "no parameter requires gradients; make them with .requires_grad_()");
  t.model->train(true);
  const at::Tensor loss = t.model->loss(t.ids("ids", 2, t.block), t.ids("targets", 2, t.block));
  expect(loss.requires_grad(), "loss() has no graph in training");
  loss.backward();
  for (const Parameter& p : parameters) {
    if (!p.tensor.requires_grad()) continue;
    expect(p.tensor.grad().defined(), "parameter '" + p.name + "' gets no gradient");
    expect(p.tensor.grad().isfinite().all().item<bool>(), "the gradient of '" + p.name + "' is not finite");
  }
}

void looks_back_only(const ItemSubject& s) {
  const Subject t(s);
  const at::NoGradGuard no_grad;
  if (t.block < 2) throw CaseSkipped("block_size is 1");
  const at::Tensor ids = t.ids("ids", 2, t.block), other = ids.clone();
  const int64_t half = t.block / 2;
  other.slice(1, half) = (other.slice(1, half) + 1) % t.vocab;
  const at::Tensor a = t.model->logits(ids).slice(1, 0, half), b = t.model->logits(other).slice(1, 0, half);
  expect(at::allclose(a, b, 1e-4, 1e-5), "logits depend on later ids");
}

void rows_are_independent(const ItemSubject& s) {
  const Subject t(s);
  const at::NoGradGuard no_grad;
  const at::Tensor ids = t.ids("ids", 3, t.block);
  const at::Tensor together = t.model->logits(ids).slice(0, 1, 2), alone = t.model->logits(ids.slice(0, 1, 2));
  expect(at::allclose(together, alone, 1e-4, 1e-5), "logits of a row depend on the other rows of the batch");
}

void repeats_itself(const ItemSubject& s) {
  const Subject t(s);
  const at::NoGradGuard no_grad;
  const at::Tensor ids = t.ids("ids", 2, t.block);
  expect(at::equal(t.model->logits(ids), t.model->logits(ids)), "logits differ between two calls when train(false) was called");
}

void layers_name_parameters(const ItemSubject& s) {
  const Subject t(s);
  std::set<std::string> names, paths;
  for (const Parameter& p : t.model->parameters()) names.insert(p.name);
  for (const Layer& layer : t.model->layers()) {
    expect(paths.insert(layer.path).second, "two layers have the path '" + layer.path + "'");
    const bool is_weighted = layer.kind == LayerKind::linear || layer.kind == LayerKind::embedding;
    expect(!is_weighted || names.contains(layer.path + ".weight"),
           "layer '" + layer.path + "' has no parameter '" + layer.path + ".weight'");
    if (layer.takes_adapter) t.model->set_adapter(layer.path, nullptr);
  }
  if (paths.empty()) throw CaseSkipped("it names no layers, so that nothing of it can be frozen or adapted");
}

void shares_values(const ItemSubject& s) {
  const Subject t(s);
  const auto second = t.model->share();
  if (!second) throw CaseSkipped("share() gives none: it trains on one thread");
  second->train(false);
  const at::NoGradGuard no_grad;
  const at::Tensor ids = t.ids("ids", 2, t.block);
  expect(at::equal(t.model->logits(ids), second->logits(ids)), "a shared model has other logits");
  t.model->parameters().front().tensor.mul_(1.5);
  expect(at::equal(t.model->logits(ids), second->logits(ids)), "a shared model does not see a change of the values");
}

}  // namespace

void add_model_cases(const ItemSubject& subject, Cases& cases) {
  add_case(subject, cases, "parameters_are_stable", parameters_are_stable);
  add_case(subject, cases, "shapes", shapes);
  add_case(subject, cases, "loss_is_of_logits", loss_is_of_logits);
  add_case(subject, cases, "gradients_exist", gradients_exist);
  add_case(subject, cases, "looks_back_only", looks_back_only);
  add_case(subject, cases, "rows_are_independent", rows_are_independent);
  add_case(subject, cases, "repeats_itself", repeats_itself);
  add_case(subject, cases, "layers_name_parameters", layers_name_parameters);
  add_case(subject, cases, "shares_values", shares_values);
}

}  // namespace gptcore
