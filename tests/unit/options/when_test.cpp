// The table `when` of a [[stage.operation]]: what goes together, and what can never fire.
#include "core/options/when.h"

#include "tests/catch.h"
#include "tests/unit/config/fixture.h"

using namespace gptcore;

namespace {

Lines errors_of(const std::string& when, const std::string& stage = "") {
  return Fixture("[[stage]]\nkind = \"train\"\nmax_iters = 1000\n" + stage +
                 "\n[[stage.operation]]\nuse = \"lora\"\nwhen = { " + when + " }\n")
      .errors();
}

}  // namespace

TEST_CASE("a trigger that makes sense is accepted", "[config][when]") {
  const std::string when = GENERATE(
      "every = 10", "at_iter = 0", "at_iter = 1000", "loss_below = 2", "after_iters = 500",
      "loss_below = 2.1, after_iters = 500", "plateau = 3, min_delta = 1e-3", "tokens = 1_000_000, times = 1", "seconds = 0.5",
      "grad_norm_above = 10, cooldown = 5, times = 3", "metric = \"hellaswag.acc\", above = 0.3",
      "metric = \"val_loss\", below = 3", "every = 7, cooldown = 20", "plateau = 3, times = \"unlimited\", cooldown = 100",
      "all = true, every = 10, loss_below = 3", "all = true, loss_below = 3", "trigger_loss = 2.0, max_wait_iters = 100000",
      "trigger_loss = \"now\"", "max_wait_iters = 0", "trigger_loss = 0, max_wait_iters = 10", "loss_below = 0, every = 5",
      "at_iter = 5000, after_iters = 3");
  CAPTURE(when);
  CHECK(errors_of(when).empty());
}

TEST_CASE("a trigger that contradicts itself or can never fire is refused at its place", "[config][when]") {
  const auto [when, stage, expected] = GENERATE(table<std::string, std::string, std::string>({
      {"", "", "'when' has no condition; give every, at_iter"},
      {"all = true", "", "'when' has no condition"},
      {"evry = 3", "", "'when' has no condition 'evry'; did you mean 'every'?"},
      {"every = 0", "", "'when.every' expects 1.."},
      {"every = 1.5", "", "'when.every' expects an integer"},
      {"plateau = 0", "", "'when.plateau' expects 1.."},
      {"times = 0, every = 3", "", "'when.times' expects 1.."},
      {"times = \"often\", every = 3", "", "'when.times' expects an integer or \"unlimited\""},
      {"metric = \"a.b\"", "", "'when.metric' expects one of above and below"},
      {"metric = \"a.b\", above = 1, below = 2", "", "'when.metric' expects one of above and below"},
      {"every = 3, above = 1", "", "'when' has above without a metric"},
      {"every = 3, min_delta = 1", "", "'when' has min_delta without plateau"},
      {"trigger_loss = 2, every = 3", "", "'when' mixes trigger_loss and max_wait_iters with other keys"},
      {"max_wait_iters = 2, times = 3", "", "'when' mixes trigger_loss and max_wait_iters with other keys"},
      {"trigger_loss = 2, all = true", "", "'when' mixes trigger_loss and max_wait_iters with other keys"},
      {"loss_below = 2, cooldown = 5", "", "'cooldown' has no effect: 'when' fires only once; add times"},
      {"at_iter = 2, times = 2", "", "'when.at_iter' fires only once"},
      {"all = true, at_iter = 7, every = 2", "", "'when' can never fire: after update 7 'every' does not hold"},
      {"all = true, at_iter = 7, after_iters = 9", "", "'when' can never fire: after update 7 'after_iters' does not hold"},
      {"all = true, at_iter = 0, loss_below = 9", "", "'when' can never fire: nothing is measured before the first update"},
      {"at_iter = 1001", "", "operation 'lora' can never fire: at_iter is beyond max_iters = 1000; change its trigger"},
      {"every = 1001", "", "operation 'lora' can never fire: every is beyond max_iters = 1000"},
      {"after_iters = 1001, loss_below = 0", "",
       "operation 'lora' can never fire: after_iters is beyond max_iters = 1000, loss_below = 0.0 is below every loss"},
      {"loss_below = -1", "", "operation 'lora' can never fire: loss_below = -1.0 is below every loss"},
      {"trigger_loss = 0", "", "operation 'lora' can never fire: trigger_loss = 0.0 is below every loss"},
      {"tokens = 100", "max_tokens = 99", "operation 'lora' can never fire: tokens is beyond max_tokens = 99"},
      {"seconds = 100", "max_time = 99", "operation 'lora' can never fire: seconds is beyond max_time = 99.0"},
      {"plateau = 3", "eval_interval = 0",
       "operation 'lora' can never fire: plateau needs evaluations, and eval_interval is 0"},
      {"all = true, loss_below = 0, every = 2", "", "operation 'lora' can never fire: loss_below = 0.0 is below every loss"},
  }));
  CAPTURE(when);
  const Lines lines = errors_of(when, stage);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::StartsWith("pipeline.toml:7:1: error[GC106]: " + expected));
}

TEST_CASE("an operation that acts on no event by itself needs a trigger", "[config][when]") {
  Fixture f("[[stage]]\nkind = \"train\"\n[[stage.operation]]\nuse = \"merge\"\n");
  f.catalog.add({Kind::operation, "merge", "doc", {}, "merge", "1.0", "/plugins/merge.so"});
  CHECK(f.errors() == Lines{"pipeline.toml:3:1: error[GC105]: operation 'merge' has no 'when', so it would never fire; add "
                            "when = { at_iter = N }, or another condition"});
  CHECK(f.errors({"train.operation.merge.when={ at_iter = 3 }"}).empty());
}

TEST_CASE("a completed operation may have a trigger that is over", "[config][when]") {
  CHECK(Fixture("[[stage]]\nkind = \"train\"\nmax_iters = 5\n[[stage.operation]]\nuse = \"lora\"\nwhen = { at_iter = 9 }\n"
                "completed = true\n")
            .errors()
            .empty());
}

TEST_CASE("the program's keys of an operation are checked beside its own", "[config][when]") {
  const auto error = [](const std::string& line) {
    const Lines lines = Fixture("[[stage]]\nkind = \"train\"\n[[stage.operation]]\nuse = \"lora\"\n" + line + "\n").errors();
    return lines.size() == 1 ? lines[0] : std::to_string(lines.size()) + " errors";
  };
  CHECK(error("on_error = \"retry\"") ==
        "pipeline.toml:5:12: error[GC104]: 'on_error' expects one of stop | skip, got \"retry\"");
  CHECK(error("reevaluate = 1") == "pipeline.toml:5:14: error[GC103]: 'reevaluate' expects a boolean, got integer 1");
  CHECK_THAT(error("reevalute = true"), Catch::Contains("did you mean 'reevaluate'?"));
  CHECK_THAT(error("when = 3"), Catch::StartsWith("pipeline.toml:5:8: error[GC103]: 'when' expects a table"));
}
