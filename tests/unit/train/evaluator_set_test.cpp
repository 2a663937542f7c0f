#include "core/train/evaluator_set.h"

#include <ATen/ops/zeros.h>

#include "tests/unit/train/rig.h"

#include "tests/catch.h"

using namespace gptcore;
using namespace gptcore::testing;

namespace {

// How many of the likeliest tokens are beyond `tokens`, and what it was shown.
struct Likeliest final : Evaluator {
  void evaluate(const ModelView& model, Results& results) override {
    shown = model.vocab_size();
    const at::Tensor logits = model.logits(at::zeros({1, 2}, at::kLong));
    width = logits.size(-1);
    loss = model.loss(at::zeros({1, 2}, at::kLong), at::zeros({1, 2}, at::kLong)).item<double>();
    rows = model.value("wte.weight").size(0);
    results.add("beyond", logits.argmax(-1).ge(7).sum().item<double>());
  }
  int64_t shown = 0, width = 0, rows = 0;
  double loss = 0;
};

}  // namespace

TEST_CASE("evaluators see no id that the tokenizer does not have, and the loss of the model as it is", "[evaluation]") {
  Network network(std::make_unique<Gpt>(tiny(0)));  // 11 ids
  network.open({});
  init_parameters(network.parameters(), 1);
  const at::NoGradGuard no_grad;
  network.parameters().front().tensor.detach().narrow(0, 9, 2).mul_(1000);  // the likeliest are 9 and 10, or -9 and -10
  const NetworkView view(network);
  const auto group = single_process_group();
  QuietHost host;
  EventBus bus(host);
  for (const int64_t tokens : {0, 7, 11, 50}) {
    EvaluatorSet set;
    auto made = std::make_unique<Likeliest>();
    Likeliest& likeliest = *made;
    set.add("likeliest", std::move(made));
    set.show_tokens(tokens);
    const Table metrics = set.run(view, *group, bus, host, 0);
    REQUIRE(metrics.size() == 1);
    CHECK((metrics[0].second == Value(0.0)) == (tokens == 7));
    CHECK(likeliest.shown == (tokens == 7 ? 7 : 11));
    CHECK(likeliest.width == likeliest.shown);
    CHECK(likeliest.rows == 11);
    CHECK(likeliest.loss == view.loss(at::zeros({1, 2}, at::kLong), at::zeros({1, 2}, at::kLong)).item<double>());
  }
}
