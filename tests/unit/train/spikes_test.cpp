#include "core/train/spikes.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/unit/train/rig.h"

using namespace gptcore;
using gptcore::testing::Rig;
using gptcore::testing::short_run;

namespace {

constexpr int64_t kFirstBad = 160, kBad = 4;  // of updates 80 and 81

TrainOptions long_run(const std::string& policy) {
  TrainOptions o = short_run();
  o.max_iters = 120;
  o.eval_interval = 20;
  o.on_spike = policy;
  return o;
}

struct Spiking : Rig {
  explicit Spiking(const std::string& policy, int64_t bad = kBad) : Rig(long_run(policy)) {
    dataset.noise_from = kFirstBad;
    dataset.noise_until = kFirstBad + bad;
  }
};

size_t warnings(const Rig& rig) {
  size_t count = 0;
  for (const std::string& line : rig.host.lines) count += line.starts_with("loss spike at step ");
  return count;
}

}  // namespace

TEST_CASE("mean and variance are those of all numbers until the window is full") {
  Running r;
  const std::vector<double> numbers = {3, 1, 4, 1, 5, 9, 2, 6};
  for (const double x : numbers) r.add(x);
  CHECK(r.mean == Approx(31.0 / 8));
  double squares = 0;
  for (const double x : numbers) squares += (x - 31.0 / 8) * (x - 31.0 / 8);
  CHECK(r.variance == Approx(squares / 8));
  CHECK(std::isinf(r.limit(6)));
  for (int i = 0; i < 40; ++i) r.add(2);
  CHECK(r.limit(6) == Approx(r.mean + 6 * std::sqrt(r.variance)));
}

TEST_CASE("after the window old numbers fade") {
  Running r;
  for (int i = 0; i < 2000; ++i) r.add(10);
  for (int i = 0; i < 2000; ++i) r.add(1);
  CHECK(r.mean == Approx(1).epsilon(1e-4));
  CHECK(r.variance < 1e-2);
}

TEST_CASE("a spike is told of, and changes the model only where nothing else was asked for") {
  Spiking off("off"), warn("warn"), skip("skip");
  CHECK(off.run() == StageEnd::finished);
  CHECK(warn.run() == StageEnd::finished);
  CHECK(skip.run() == StageEnd::finished);
  CHECK(warnings(off) == 0);
  CHECK(warnings(warn) >= 1);
  CHECK(warnings(skip) >= 1);
  CHECK(off.weights().equal(warn.weights()));
  CHECK_FALSE(off.weights().equal(skip.weights()));
  CHECK(skip.state.step == 120);
}

TEST_CASE("updates without a target are no part of what is usual") {
  Spiking rig("warn", 0);
  rig.dataset.empty_from = 40;  // of updates 20 to 39
  rig.dataset.empty_until = 80;
  CHECK(rig.run() == StageEnd::finished);
  CHECK(rig.state.spikes.loss.count == 100);
  CHECK(rig.state.spikes.grad_norm.count == 100);
}

TEST_CASE("a skipped update leaves parameters and moments as they were") {
  Spiking rig("skip");
  at::Tensor before, after;
  rig.act = [&](const Record& r) {
    if (r.event != Event::step_ended) return;
    if (r.step == 80) before = rig.weights().clone();
    if (r.step == 81) after = rig.weights().clone();
  };
  CHECK(rig.run() == StageEnd::finished);
  REQUIRE(after.defined());
  CHECK(before.equal(after));
}

TEST_CASE("more spikes in a row than max_skips end the run") {
  Spiking rig("skip", 1000);
  rig.options.max_skips = 3;
  CHECK_THROWS_WITH(rig.run(), Catch::Matchers::Contains("3 updates in a row were skipped"));
}

TEST_CASE("a rewind asks for the newest checkpoint, leaves the samples since out and counts") {
  Spiking rig("rewind");
  CHECK(rig.run() == StageEnd::rewound);
  REQUIRE(rig.rewind);
  CHECK_FALSE(rig.rewind->point);
  TrainState saved = rig.saved;
  CHECK(saved.step == 80);
  CHECK(saved.samples == 160);
  rig.rewind->amend(saved, rig.journal);
  CHECK(saved.samples == 162);
  CHECK(saved.spikes.rewinds == 1);

  Spiking last("rewind");
  last.options.max_rewinds = 0;
  CHECK_THROWS_WITH(last.run(), Catch::Matchers::Contains("went back 0 times already"));
}

TEST_CASE("a rewind finds the best model, though an operation changed it right after it was saved") {
  struct Freeze final : Operation {
    void plan(const TrainingView&, ModelEdit& edit) override { edit.freeze("wpe"); }
  };
  Spiking rig("rewind");
  rig.options.always_save_checkpoint = false;
  When when;
  when.after_iters = 1;
  rig.operations.add({"freeze", std::make_unique<Freeze>(), when, 0, kAllEffects});
  CHECK(rig.run() == StageEnd::rewound);
  REQUIRE_FALSE(rig.saves.empty());
  CHECK(rig.saves.back().second);
}

TEST_CASE("a spike before the first checkpoint is skipped") {
  Spiking rig("rewind");
  rig.options.eval_interval = 0;
  CHECK(rig.run() == StageEnd::finished);
  CHECK(warnings(rig) >= 1);
}
