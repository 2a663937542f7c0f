// A GPT that becomes wider computes the same, and its moments are those that the wider gradients would have made.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

#include "tests/catch.h"
#include "tests/unit/train/operated.h"

using namespace gptcore;
using namespace gptcore::testing;

namespace {

constexpr int64_t kWidth = 16;

enum class Side { made, read, both, neither };  // which side of the parameter meets channels

// By what a parameter is in the formulas of GPT-2, tied or not.
Side side_of(const std::string& name, bool tied) {
  const auto is = [&](std::initializer_list<const char*> endings) {
    return std::any_of(endings.begin(), endings.end(), [&](const char* e) { return name.ends_with(e); });
  };
  if (is({"attn.qkv.weight", "attn.proj.weight"})) return Side::both;
  if (is({"mlp.fc.weight", "lm_head.weight"})) return Side::read;
  if (is({"mlp.fc.bias"})) return Side::neither;
  if (name.starts_with("ln_f.")) return tied ? Side::read : Side::made;
  return Side::made;
}

// Old places of the new ones along a dimension of `size`; channels lie in it as runs of kWidth, each now k times.
at::Tensor sources(int64_t size, int64_t k) {
  std::vector<int64_t> all;
  for (int64_t run = 0; run < size / kWidth; ++run)
    for (int64_t copy = 0; copy < k; ++copy)
      for (int64_t c = 0; c < kWidth; ++c) all.push_back(run * kWidth + c);
  return at::tensor(all, at::kLong);
}

// `old` with its channels repeated, not divided.
at::Tensor repeated(const at::Tensor& old, const std::string& name, int64_t k) {
  const bool rows = old.dim() == 1 ? !name.ends_with("mlp.fc.bias")
                                   : name.ends_with("qkv.weight") || name.ends_with("proj.weight"),
             columns = old.dim() == 2 && !name.ends_with("mlp.proj.weight");
  at::Tensor out = old;
  if (rows) out = out.index_select(0, sources(old.size(0), k));
  if (columns) out = out.index_select(1, sources(old.size(1), k));
  return out;
}

// Gradients of a fixed batch's loss by parameter.
Tensors gradients(Rig& rig) {
  const at::AutoGradMode with_grad(true);
  for (const FlatParameters::Group& g : rig.flat->groups()) g.grads.zero_();
  const at::Tensor ids = at::arange(8, at::kLong).view({2, 4});
  rig.model.loss(ids, ids.add(1)).backward();
  Tensors out;
  for (const Parameter& p : rig.model.parameters()) out[p.name] = p.tensor.grad().clone();
  return out;
}

GptOptions variant(const std::string& name) {
  GptOptions o = two_blocks();
  if (name == "untied") o.tie_word_embeddings = false;
  if (name == "rotary") o.rotary = true;
  if (name == "no bias") o.bias = false;
  if (name == "padded") o.vocab_multiple = 8;
  return o;
}

}  // namespace

TEST_CASE("a widened embedding computes the same; values, moments and gradients follow one rule", "[surgery]") {
  const std::string name = GENERATE("tied", "untied", "rotary", "no bias", "padded");
  const int64_t k = GENERATE(2, 3);
  CAPTURE(name, k);
  Tensors narrow;
  const Operated o = operated(
      [&](ModelEdit& e) {
        e.widen_embedding(k * kWidth, 0);
        e.expect_same_function(1e-5);
      },
      {}, variant(name), [&](Rig& rig) { narrow = gradients(rig); });
  CHECK(o.moved() < 1e-5);
  CHECK(find(o.record.fields, "moments_carried")->as<int64_t>() == static_cast<int64_t>(o.after.size()));
  const Tensors wide = gradients(*o.rig);
  const double by = static_cast<double>(k);
  REQUIRE(o.after.size() == o.before.size());
  for (const auto& [parameter, before] : o.before) {
    const Side side = side_of(parameter, name != "untied");
    const double value_by = side == Side::read || side == Side::both ? by : 1;
    const double moment_by = side == Side::made || side == Side::both ? by : 1;
    CAPTURE(parameter, value_by, moment_by);
    const auto close = [](const at::Tensor& a, const at::Tensor& b, double absolute) {
      return a.sizes() == b.sizes() && at::allclose(a, b, 1e-6, absolute);
    };
    CHECK(close(o.after.at(parameter), repeated(before, parameter, k) / value_by, 0));
    CHECK(close(first(o.moments_after, parameter), repeated(first(o.moments_before, parameter), parameter, k) / moment_by, 0));
    CHECK(close(second(o.moments_after, parameter),
                repeated(second(o.moments_before, parameter), parameter, k) / (moment_by * moment_by), 0));
    CHECK(close(wide.at(parameter), repeated(narrow.at(parameter), parameter, k) / moment_by, 1e-6));
  }
  for (const auto& [key, now] : Table{{"n_embd", k * kWidth}, {"n_head", 2 * k}, {"n_hidden", 64}})
    CHECK(*find(o.rig->structure.keys, key) == now);
}

TEST_CASE("noise makes the copies differ and keeps the function; without it they stay alike", "[surgery]") {
  const double noise = GENERATE(0.0, 0.5);
  TrainOptions options = short_run();
  options.max_iters = 10;
  Rig rig(options, 0, 1, two_blocks());
  at_iter(rig, 5, [&](ModelEdit& e) {
    e.widen_embedding(2 * kWidth, noise);
    e.expect_same_function(1e-5);
  });
  rig.run();
  const at::Tensor wte = weights(rig).at("wte.weight");
  const double apart = (wte.narrow(1, 0, kWidth) - wte.narrow(1, kWidth, kWidth)).abs().max().item<double>();
  CAPTURE(apart);
  CHECK((apart > 1e-3) == (noise > 0));
}

TEST_CASE("an embedding that cannot be widened so is refused, and nothing has changed", "[surgery]") {
  struct Refused {
    Plan plan, earlier;
    const char* said;
  };
  const auto refused = GENERATE(values<Refused>({
      {[](ModelEdit& e) { e.widen_embedding(24, 0); }, {}, "name a whole multiple: 32, 48, ..."},
      {[](ModelEdit& e) { e.widen_embedding(16, 0); }, {}, "cannot be widened to 16"},
      {[](ModelEdit& e) { e.widen_embedding(0, 0); }, {}, "cannot be widened to 0"},
      {[](ModelEdit& e) { e.widen_embedding(32, 0); }, [](ModelEdit& e) { e.set_adapter("attn.*", "low", low_rank(2), true); },
       "merge the adapter first"},
  }));
  Rig rig(short_run(), 0, 1, two_blocks());
  if (refused.earlier) at_iter(rig, 2, refused.earlier);
  Tensors before;
  at_iter(rig, 3, [&](ModelEdit& e) {
    before = weights(rig);
    refused.plan(e);
  });
  std::string said;
  try {
    rig.run();
  } catch (const Error& e) {
    said = e.line();
  }
  CHECK_THAT(said, Catch::Contains(refused.said));
  const Tensors after = weights(rig);
  REQUIRE(after.size() == before.size());
  for (const auto& [name, tensor] : before) CHECK(at::equal(tensor, after.at(name)));
}

TEST_CASE("a model without the key n_head keeps its width", "[surgery]") {
  Rig rig(short_run(), 0, 1, two_blocks());
  rig.factory.keys = [](const Structure&) { return Table{}; };
  at_iter(rig, 3, [&](ModelEdit& e) { e.widen_embedding(32, 0); });
  CHECK_THROWS_WITH(rig.run(), Catch::Contains("the model has no key n_head"));
  CHECK(weights(rig).at("wte.weight").size(1) == kWidth);
}
