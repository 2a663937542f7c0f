#include "core/optim/schedule.h"

#include <cmath>

#include "tests/catch.h"

using namespace gptcore;

namespace {

TrainOptions options(const char* schedule) {
  TrainOptions o;
  o.schedule = schedule;
  o.learning_rate = 1e-3;
  o.min_lr = 1e-4;
  o.warmup_iters = 100;
  o.max_iters = 2000;
  return o;
}

}  // namespace

TEST_CASE("every schedule warms up as nanoGPT does", "[schedule]") {
  const TrainOptions o = options(GENERATE("cosine", "linear", "wsd", "constant"));
  CHECK(learning_rate_at(o, 0) == Approx(1e-3 / 101));
  CHECK(learning_rate_at(o, 99) == Approx(1e-3 * 100 / 101));
  CHECK(learning_rate_at(o, 100) == Approx(1e-3));
}

TEST_CASE("schedules fall from the peak to min_lr and stay there", "[schedule]") {
  CHECK(learning_rate_at(options("cosine"), 1050) == Approx((1e-3 + 1e-4) / 2));
  CHECK(learning_rate_at(options("linear"), 1050) == Approx((1e-3 + 1e-4) / 2));
  CHECK(learning_rate_at(options("wsd"), 1050) == Approx(1e-3));
  CHECK(learning_rate_at(options("wsd"), 1810) == Approx((1e-3 + 1e-4) / 2));
  CHECK(learning_rate_at(options("constant"), 5000) == Approx(1e-3));
  for (const char* schedule : {"cosine", "linear", "wsd"}) {
    CAPTURE(schedule);
    CHECK(learning_rate_at(options(schedule), 1999) == Approx(1e-4).epsilon(0.03));
    CHECK(learning_rate_at(options(schedule), 2000) == Approx(1e-4));
    CHECK(learning_rate_at(options(schedule), 9999) == Approx(1e-4));
  }
}

TEST_CASE("lr_decay_iters may differ from max_iters", "[schedule]") {
  TrainOptions o = options("cosine");
  o.lr_decay_iters = 1000;
  CHECK(learning_rate_at(o, 1000) == Approx(1e-4));
  o.lr_decay_iters = 4000;
  CHECK(learning_rate_at(o, 2000) > 5e-4);
}

TEST_CASE("without warm-up the first update has the peak rate", "[schedule]") {
  TrainOptions o = options("cosine");
  o.warmup_iters = 0;
  CHECK(learning_rate_at(o, 0) == Approx(1e-3));
}
