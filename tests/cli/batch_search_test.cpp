// The batch-size search in a real run.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;

namespace {

// tiny.toml with 32 samples an update, as 4 x 8.
Outcome train_on_32(const Workspace& w, const std::string& operation) {
  w.add_to_train_stage(operation);
  return w.train({"--set", "model.dropout=0", "--set", "train.gradient_accumulation_steps=8", "--set",
                  "train.learning_rate=2e-3", "--set", "train.max_iters=200"});
}

}  // namespace

TEST_CASE("after a batch-size search the loss curve is that of the same tokens per step") {
  constexpr double kTolerance = 1e-3;
  const Workspace fixed, searched;
  REQUIRE(train_on_32(fixed, "").status == 0);
  const Outcome outcome = train_on_32(searched, R"(
  [[stage.operation]]
  use = "adjust_batch_size"
  max_batch_size = 32
  when = { at_iter = 20 }
)");
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  const auto edits = records(searched.path("out"), "model_edited");
  REQUIRE(edits.size() == 1);
  const auto before = records(fixed.path("out"), "step_ended"), after = records(searched.path("out"), "step_ended");
  REQUIRE(before.size() == 20);
  REQUIRE(after.size() == before.size());
  double largest = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    CHECK(before[i].at("tokens") == after[i].at("tokens"));
    largest = std::max(largest, std::abs(before[i].at("loss").get<double>() - after[i].at("loss").get<double>()));
  }
  std::printf("%s: losses differ by at most %.2g of 200 updates, allowed %.0e\n", edits[0].at("changes").dump().c_str(),
              largest, kTolerance);
  CHECK(largest <= kTolerance);
}
