#include "core/train/timing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>

#include <cmath>

#include "core/train/trainer.h"
#include "tests/catch.h"
#include "tests/unit/train/rig.h"

using namespace gptcore;
using gptcore::testing::Rig;
using gptcore::testing::short_run;

namespace {

double field(const Table& fields, const std::string& name) {
  const Value* value = find(fields, name);
  return value ? value->as<double>() : -1;
}

std::vector<Table> steps_of(const Rig& rig) {
  std::vector<Table> all;
  for (const Record& r : rig.records)
    if (r.event == Event::step_ended) all.push_back(r.fields);
  return all;
}

}  // namespace

TEST_CASE("an average takes a tenth of the newest update, and all of the first", "[timing]") {
  double now = 0;
  Timing timing(c10::kCPU, [&] { return now; });
  const auto update = [&](double forward) {
    Stopwatch watch(&timing);
    for (int i = 0; i < 2; ++i) {
      now += forward / 2;
      watch.lap(StepSection::forward);
      now += 0.25;  // of another section
      watch.lap(StepSection::backward);
    }
    timing.end_update();
  };
  update(0.010);
  CHECK(field(timing.fields(), "time.gradient_accumulation.forward") == Approx(10));
  CHECK(field(timing.fields(), "time.gradient_accumulation.backward") == Approx(500));
  update(0.020);
  CHECK(field(timing.fields(), "time.gradient_accumulation.forward") == Approx(11));
  CHECK(field(timing.fields(), "time.optimizer_step") == 0);
}

TEST_CASE("an evaluation is shared out over the updates since the one before", "[timing]") {
  Timing timing(c10::kCPU);
  const auto evaluation = [&](double seconds) {
    timing.add(StepSection::evaluation, seconds);
    timing.end_evaluation();
  };
  evaluation(3);  // before the first update: of none
  CHECK(field(timing.fields(), "time.evaluation") == -1);
  for (int i = 0; i < 4; ++i) timing.end_update();
  evaluation(0.2);
  CHECK(field(timing.fields(), "time.evaluation") == Approx(50));
  for (int i = 0; i < 2; ++i) timing.end_update();
  evaluation(0.2);
  CHECK(field(timing.fields(), "time.evaluation") == Approx(55));
}

TEST_CASE("a stopwatch without a timing does nothing", "[timing]") {
  Stopwatch off(nullptr);
  off.lap(StepSection::forward);
}

TEST_CASE("updates have times where they are asked for, and the weights are the same", "[timing]") {
  const int64_t threads = GENERATE(1, 2);
  TrainOptions o = short_run();
  o.gradient_accumulation_steps = 2;
  Rig plain(o, 0, threads);
  plain.run();
  o.log_timing = true;
  Rig timed(o, 0, threads);
  timed.run();
  CHECK(at::equal(plain.weights(), timed.weights()));
  for (const Table& step : steps_of(plain))
    for (const auto& entry : step) CHECK_FALSE(entry.first.starts_with("time."));
  const std::vector<Table> steps = steps_of(timed);
  REQUIRE(steps.size() == 12);
  const std::string inner = "time.gradient_accumulation";
  for (const Table& step : steps) {
    const double parts = field(step, inner + ".forward") + field(step, inner + ".backward") + field(step, inner + ".data");
    CHECK(field(step, inner + ".forward") > 0);
    CHECK(field(step, inner + ".backward") > 0);
    CHECK(parts <= field(step, inner) * (1 + 1e-9));
    CHECK(field(step, "time.gradient_clipping") > 0);
    CHECK(field(step, "time.optimizer_step") > 0);
    CHECK(is_published("time.optimizer_step", {}));
  }
  CHECK(field(steps[3], "time.evaluation") == -1);
  CHECK(field(steps[4], "time.evaluation") > 0);  // after the second evaluation
}

TEST_CASE("gradient norms of layers are those before clipping, and add up to the whole", "[trainer]") {
  TrainOptions o = short_run();
  o.grad_clip = 1e-3;  // always clips
  o.log_interval = 3;
  o.log_layer_norms = true;
  Rig rig(o);
  rig.model.parameters().front().tensor.set_requires_grad(false);  // wte
  rig.build(o, {});
  rig.run();
  const std::vector<Table> steps = steps_of(rig);
  REQUIRE(steps.size() == 4);
  for (const Table& step : steps) {
    double squares = 0;
    int layers = 0;
    for (const auto& [key, value] : step)
      if (key.starts_with("grad_norm.")) {
        CHECK(is_published(key, {}));
        squares += value.as<double>() * value.as<double>();
        ++layers;
      }
    CHECK(layers == 8);  // wpe, six of the block, ln_f
    CHECK(std::sqrt(squares) == Approx(field(step, "grad_norm")).epsilon(1e-4));
    CHECK(field(step, "grad_norm.blocks.0.attn.qkv") > 0);
    CHECK(field(step, "grad_norm.wte") == -1);
  }
}
