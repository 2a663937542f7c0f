#include "core/data/prefetcher.h"

#include <ATen/ops/equal.h>

#include "tests/catch.h"
#include "tests/unit/train/counting_dataset.h"

using namespace gptcore;
using gptcore::testing::CountingDataset;

TEST_CASE("micro-batches come in order of the global sample index", "[prefetcher]") {
  CountingDataset dataset(4, 11, 1000, 0);
  std::mutex mutex;
  {
    Prefetcher prefetcher(dataset, {3, 0, 1, 0}, mutex);
    for (int i = 0; i < 5; ++i) prefetcher.next();
  }
  REQUIRE(dataset.samples.size() >= 15);
  for (size_t i = 0; i < dataset.samples.size(); ++i) CHECK(dataset.samples[i] == static_cast<int64_t>(i));
}

TEST_CASE("two ranks together see what one rank with twice the batch sees", "[prefetcher]") {
  std::mutex mutex;
  CountingDataset one(4, 11, 1000, 0), first(4, 11, 1000, 0), second(4, 11, 1000, 0);
  Prefetcher whole(one, {6, 0, 1, 0}, mutex), a(first, {3, 0, 2, 0}, mutex), b(second, {3, 1, 2, 0}, mutex);
  for (int i = 0; i < 3; ++i) {
    const Batch all = whole.next(), left = a.next(), right = b.next();
    CHECK(at::equal(all.ids.narrow(0, 0, 3), left.ids));
    CHECK(at::equal(all.ids.narrow(0, 3, 3), right.ids));
  }
}

TEST_CASE("a prefetcher may start anywhere", "[prefetcher]") {
  std::mutex mutex;
  CountingDataset dataset(4, 11, 1000, 0), other(4, 11, 1000, 0);
  Prefetcher from_start(dataset, {3, 0, 1, 0}, mutex), from_two(other, {3, 0, 1, 6}, mutex);
  from_start.next();
  from_start.next();
  CHECK(at::equal(from_start.next().ids, from_two.next().ids));
}

TEST_CASE("good micro-batches are handed out before a bad one's error, which then stays", "[prefetcher]") {
  std::mutex mutex;
  CountingDataset dataset(4, 11, 1000, 0);
  dataset.fail_at = 7;
  Prefetcher prefetcher(dataset, {3, 0, 1, 0}, mutex);
  CHECK_NOTHROW(prefetcher.next());
  CHECK_NOTHROW(prefetcher.next());
  CHECK_THROWS_WITH(prefetcher.next(), "sample 7 is bad");
  CHECK_THROWS_WITH(prefetcher.next(), "sample 7 is bad");
}
