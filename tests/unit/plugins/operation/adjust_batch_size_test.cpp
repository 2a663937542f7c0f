#include "noted_edit.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

// Batches that take `bytes` a sample, and a millisecond each unless `slow_from` is reached.
struct Trials final : BatchTrials {
  BatchTrial run(int64_t size, int) override {
    tried.push_back(size);
    const double each = slow_from > 0 && size >= slow_from ? 2e-3 : 1e-3;
    return {true, each * static_cast<double>(size), 1000 + bytes * size};
  }
  int64_t memory_limit() const override { return limit; }
  int64_t bytes = 100, limit = 100000, slow_from = 0;
  std::vector<int64_t> tried;
};

struct Adjusting : Planning {
  Adjusting() { edit.trials = &trials; }
  Lines adjusted(Table values) { return plan("adjust_batch_size", values); }
  Trials trials;
};

}  // namespace

TEST_CASE("adjust_batch_size keeps the samples of an update by changing the accumulation") {
  Adjusting p;  // 480 samples an update; 82000 bytes hold 810
  CHECK(p.adjusted({}) == Lines{"batch_size = 480", "gradient_accumulation_steps = 1"});
}

TEST_CASE("adjust_batch_size takes the largest divisor that fits") {
  Adjusting p;
  CHECK(p.adjusted({{"memory_budget", 15000}}) == Lines{"batch_size = 120", "gradient_accumulation_steps = 4"});  // of 140
  CHECK(p.adjusted({{"max_batch_size", 100}}) == Lines{"batch_size = 96", "gradient_accumulation_steps = 5"});
  CHECK(p.adjusted({{"memory_budget", 1500}}) == Lines{"batch_size = 5", "gradient_accumulation_steps = 96"});
}

TEST_CASE("adjust_batch_size leaves the accumulation to tokens_per_step, and tries what divides it") {
  const bool keep = GENERATE(true, false);
  Adjusting p;
  p.edit.settings["tokens_per_step"] = 480 * 8;
  CHECK(p.adjusted({{"keep_tokens_per_step", keep}, {"memory_budget", 15000}}) == Lines{"batch_size = 120"});
  for (const int64_t size : p.trials.tried) CHECK(480 % size == 0);
}

TEST_CASE("adjust_batch_size leaves a batch that is right") {
  Adjusting p;
  CHECK(p.adjusted({{"memory_budget", 2300}}).empty());
  CHECK(p.trials.tried.front() == 12);
}

TEST_CASE("adjust_batch_size without keep_tokens_per_step goes to within 5 % of the limit and leaves the accumulation") {
  Adjusting p;
  const Lines lines = p.adjusted({{"keep_tokens_per_step", false}, {"memory_budget", 61000}});  // holds 600
  REQUIRE(lines.size() == 1);
  const int64_t size = std::stoll(lines[0].substr(std::string("batch_size = ").size()));
  CHECK(size <= 600);
  CHECK(static_cast<double>(size) * 1.05 >= 600);
}

TEST_CASE("adjust_batch_size uses a share of the device's memory, 82 percent unless told otherwise") {
  Adjusting p;
  p.now.gradient_accumulation_steps = 4000;
  CHECK(p.adjusted({})[0] == "batch_size = 800");                             // 81000 / 100 = 810
  CHECK(p.adjusted({{"target_vram_percent", 50}})[0] == "batch_size = 480");  // 490
}

TEST_CASE("adjust_batch_size reads the seed's table and its plain number") {
  Adjusting p;
  p.now.gradient_accumulation_steps = 4000;
  const Table seed = {{"max_batch_size", 512}, {"target_vram_percent", 40}, {"current_batch_size", 64}};
  CHECK(p.adjusted({{"value", seed}})[0] == "batch_size = 384");  // 390
  CHECK(p.trials.tried.front() == 64);
  CHECK(p.adjusted({{"value", 32}})[0] == "batch_size = 480");  // 50 percent
  CHECK(p.adjusted({{"max_batch_size", 512}, {"target_vram_percent", 40}}) == p.adjusted({{"value", seed}}));
}

TEST_CASE("adjust_batch_size prefers a smaller batch when larger ones are slower by more than 5 percent") {
  Adjusting p;
  p.trials.slow_from = 100;
  const Lines lines = p.adjusted({});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "batch_size = 24");  // 12 and 24 were the fast ones tried
}

TEST_CASE("adjust_batch_size tries no more sizes than it is told, 12 at most") {
  Adjusting p;
  p.adjusted({{"trials", 3}});
  CHECK(p.trials.tried.size() <= 3);
  CHECK(!p.opens("adjust_batch_size", {{"trials", 13}}));
}

TEST_CASE("adjust_batch_size says when not even one sample fits") {
  Adjusting p;
  const Error e = p.refusal("adjust_batch_size", {{"memory_budget", 1050}});
  CHECK(e.code() == Code::out_of_memory);
  CHECK_THAT(e.line(), Contains("a batch of 1 takes 1100 bytes") && Contains("budget of 1050"));
}

TEST_CASE("adjust_batch_size refuses arguments that it does not know") {
  for (const Table& bad : std::vector<Table>{{{"value", Table{{"max_batch", 5}}}},
                                             {{"value", Table{{"max_batch_size", 0}}}},
                                             {{"value", Table{{"target_vram_percent", 120}}}},
                                             {{"value", Table{{"value", 3}}}},
                                             {{"value", 0}},
                                             {{"value", 1.5}},
                                             {{"value", "large"}},
                                             {{"target_vram_percent", 0}},
                                             {{"max_batch_size", 0}}}) {
    INFO(to_toml(Value(bad)));
    CHECK(!Adjusting().opens("adjust_batch_size", bad));
  }
}

TEST_CASE("adjust_batch_size changes nothing where no batch can be tried, as in the plan of a schedule") {
  CHECK(Planning().plan("adjust_batch_size", {}).empty());
}
