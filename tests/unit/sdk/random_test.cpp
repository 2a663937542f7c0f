#include "gptcore/random.h"

#include <rapidcheck.h>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("streams of different purposes, seeds and counters differ", "[random]") {
  CHECK(stream_key(1, "init") != stream_key(1, "dropout"));
  CHECK(stream_key(1, "init") != stream_key(2, "init"));
  std::set<uint64_t> seen;
  for (uint64_t i = 0; i < 1000; ++i) seen.insert(random_bits(stream_key(1, "x"), i));
  CHECK(seen.size() == 1000);
}

TEST_CASE("the numbers of a stream never change between versions", "[random]") {
  CHECK(random_bits(stream_key(1337, "golden"), 5) == 0x63d15b1a037dec5cULL);
}

TEST_CASE("uniform and normal numbers have their moments", "[random]") {
  double sum = 0, normal_sum = 0, square_sum = 0;
  constexpr int n = 100000;
  for (uint64_t i = 0; i < n; ++i) {
    const double u = random_uniform(7, i), z = random_normal(9, i);
    REQUIRE((u >= 0 && u < 1));
    sum += u;
    normal_sum += z;
    square_sum += z * z;
  }
  CHECK(sum / n == Approx(0.5).margin(0.005));
  CHECK(normal_sum / n == Approx(0).margin(0.02));
  CHECK(square_sum / n == Approx(1).epsilon(0.02));
}

TEST_CASE("a spread order visits every position once", "[random]") {
  rc::check([] {
    const auto n = *rc::gen::inRange<uint64_t>(1, 3000);
    const SpreadOrder order(n, *rc::gen::arbitrary<uint64_t>());
    std::set<uint64_t> seen;
    for (uint64_t i = 0; i < n; ++i) seen.insert(order(i));
    RC_ASSERT(seen.size() == n);
    RC_ASSERT(*seen.rbegin() == n - 1);
  });
}

TEST_CASE("any twelve neighbours of a spread order are spread over the whole range", "[random]") {
  constexpr uint64_t n = 15683;
  for (const uint64_t key : {uint64_t{1}, uint64_t{1} << 63, uint64_t{12345678901234567}}) {
    const SpreadOrder order(n, key);
    for (uint64_t first = 0; first + 12 < n; first += 97) {
      std::vector<uint64_t> places;
      for (uint64_t i = 0; i < 12; ++i) places.push_back(order(first + i));
      std::sort(places.begin(), places.end());
      for (size_t i = 1; i < places.size(); ++i) REQUIRE(places[i] - places[i - 1] > n / 24);
    }
  }
}
