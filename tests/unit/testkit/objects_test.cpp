// An item's object by itself, without a run.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>

#include "gptcore/testing/catch2.h"

using namespace gptcore;
using namespace gptcore::testing;

namespace {

const std::string kTidy = FIXTURES "/tidy.so";

}  // namespace

TEST_CASE("A tokenizer comes with a vocabulary") {
  Harness h{std::string(PLUGINS) + "/char.so", "char"};
  const auto tokenizer = h.tokenizer();
  CHECK(tokenizer->vocab_size() == TinyModel::kVocabSize);
  CHECK(tokenizer->decode(tokenizer->encode("a nice cat.")) == "a nice cat.");
}

TEST_CASE("A dataset gives batches of the tiny model's shape") {
  Harness h{std::string(PLUGINS) + "/text.so", "text", {{"files", List{"${GPTCORE_TINY_TEXT}"}}}};
  const auto dataset = h.dataset();
  Batch batch;
  dataset->batch({Split::val, Order::sequential, 0, 3}, batch);
  CHECK(batch.ids.sizes() == at::IntArrayRef({3, TinyModel::kBlockSize}));
  CHECK(dataset->tokens(Split::train) + dataset->tokens(Split::val) == 4096);
}

TEST_CASE("A model is open, placed and has its starting values") {
  Harness h{kTidy, "model/means"};
  const auto model = h.model();
  CHECK(model->vocab_size() == TinyModel::kVocabSize);
  CHECK(model->parameters().front().tensor.abs().sum().item<float>() > 0);
}

TEST_CASE("An adapter sits on a linear of 16 inputs and 48 outputs") {
  Harness h{kTidy, "low_rank"};
  const auto adapter = h.adapter();
  CHECK(adapter->delta().sizes() == at::IntArrayRef({48, 16}));
}

TEST_CASE("An evaluator measures the tiny model") {
  Harness h{kTidy, "rows", {{"rows", 3}}};
  TinyModel tiny;
  Metrics metrics;
  h.evaluator()->evaluate(tiny.view(), metrics);
  CHECK(metrics.names() == std::vector<std::string>{"loss"});
  CHECK(metrics.items.size() == 3);
  CHECK(metrics["loss"] == Approx(std::log(32.0)).margin(0.3));  // an untrained model
  CHECK(std::isnan(metrics["nothing"]));
}

TEST_CASE("Operations and loggers are open") {
  CHECK(Harness(kTidy, "settle").operation()->save() == "0");
  CHECK(!Harness(kTidy, "lines").logger()->sink().empty());
}

TEST_CASE("Asking for another kind, or with parameters that do not fit, is an Error") {
  Harness h{kTidy, "settle"};
  CHECK_THROWS_AS(h.evaluator(), Error);
  Harness wrong{kTidy, "settle", {{"at_step", "soon"}}};
  CHECK_THROWS_AS(wrong.operation(), Error);
}

TEST_CASE("Two tiny models are equal") {
  TinyModel a, b;
  for (const ParameterInfo& p : a.view().parameters()) CHECK(at::equal(a.view().value(p.name), b.view().value(p.name)));
  CHECK(a.view().vocab_size() == TinyModel::kVocabSize);
  CHECK(a.model().block_size() == TinyModel::kBlockSize);
}

TEST_CASE("Checks without a framework pass only when there was one and all hold") {
  CHECK(Checks().exit_code() == 1);
  Checks good, bad;
  CHECK(good.check(true, "yes"));
  CHECK(good.exit_code() == 0);
  bad.check(true, "yes");
  CHECK_FALSE(bad.check(false, "no"));
  CHECK(bad.exit_code() == 1);
}
