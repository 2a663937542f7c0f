#include "plugins/operation/batch/search.h"

#include <rapidcheck.h>

#include <cmath>
#include <set>

#include "gptcore/error.h"
#include "tests/catch.h"

using namespace gptcore;
using namespace gptcore::operations;
using Catch::Matchers::Contains;

namespace {

constexpr int kTrials = 12;

// Memory of a batch, as a device may need it. All grow with the size.
struct Memory {
  enum Kind { straight, blocks, bent, unknown };
  Kind kind = straight;
  double fixed = 1000, each = 100;

  double at(int64_t size) const {
    const auto n = static_cast<double>(size);
    switch (kind) {
      case straight:
      case unknown:
        return fixed + each * n;
      case blocks:
        return std::ceil((fixed + each * n) / (20 * each)) * 20 * each;
      case bent:
        return fixed + each * std::pow(n, 1.5);
    }
    return 0;
  }
};

struct Run {
  std::vector<Measured> all;
  std::set<int64_t> tried;
};

// Trials whose times are noise and whose bytes are off by up to `noise`; `unknown` tells no bytes, only that it was too much.
Run run(const SearchRules& rules, const Memory& memory, double limit, double noise) {
  Run out;
  out.all = search_batch_size(rules, [&](int64_t size) {
    RC_ASSERT(out.tried.insert(size).second);  // none twice
    const double bytes = memory.at(size);
    const bool fits = bytes <= limit;
    const double told = memory.kind == Memory::unknown ? 0 : bytes * (1 + noise * (*rc::gen::inRange(-100, 101)) / 100.0);
    return BatchTrial{fits, static_cast<double>(size) * 1e-3, static_cast<int64_t>(told)};
  });
  return out;
}

int64_t largest(const std::vector<Measured>& all) {
  int64_t size = 0;
  for (const Measured& m : all)
    if (m.fits) size = std::max(size, m.size);
  return size;
}

int64_t largest_possible(const std::vector<int64_t>& sizes, const Memory& memory, double limit) {
  int64_t size = 0;
  for (const int64_t s : sizes)
    if (memory.at(s) <= limit) size = s;
  return size;
}

Memory any_memory() {
  Memory m;
  m.kind = static_cast<Memory::Kind>(*rc::gen::inRange(0, 4));
  m.fixed = *rc::gen::inRange(0, 100000);
  m.each = *rc::gen::inRange(1, 1000);
  return m;
}

}  // namespace

TEST_CASE("The sizes that are tried differ by 5 percent at most, up to the largest") {
  rc::check([] {
    const int64_t most = *rc::gen::inRange<int64_t>(1, 100000), own = *rc::gen::inRange<int64_t>(1, 2 * most);
    const auto sizes = sizes_up_to(most, own);
    RC_ASSERT(sizes.front() == 1);
    RC_ASSERT(sizes.back() == most);
    RC_ASSERT(own > most || std::binary_search(sizes.begin(), sizes.end(), own));
    for (size_t i = 1; i < sizes.size(); ++i) {
      RC_ASSERT(sizes[i] > sizes[i - 1]);
      // Whatever fits below the next size is at most 5 % more.
      RC_ASSERT(static_cast<double>(sizes[i] - 1) <= 1.05 * static_cast<double>(sizes[i - 1]));
    }
  });
}

TEST_CASE("Divisors are all there, ascending and not above the largest") {
  CHECK(divisors_up_to(100, 12) == std::vector<int64_t>{1, 2, 3, 4, 6, 12});
  CHECK(divisors_up_to(5, 12) == std::vector<int64_t>{1, 2, 3, 4});
  CHECK(divisors_up_to(1, 13) == std::vector<int64_t>{1});
  CHECK(divisors_up_to(1000, 36) == std::vector<int64_t>{1, 2, 3, 4, 6, 9, 12, 18, 36});
}

TEST_CASE("The largest size that fits is found in 12 trials, whatever the memory is like") {
  rc::check([] {
    const Memory memory = any_memory();
    const int64_t most = *rc::gen::inRange<int64_t>(1, 2000), own = *rc::gen::inRange<int64_t>(1, 2000);
    const double limit = memory.at(1) * *rc::gen::inRange(1000, 2000000) / 1000.0;
    const double noise = *rc::gen::element(0.0, 0.01, 0.3);
    SearchRules rules{sizes_up_to(most, own), own, /*memory=*/0, kTrials};
    const Run plain = run(rules, memory, limit, noise);  // the device itself runs out
    RC_ASSERT(plain.all.size() <= size_t{kTrials});
    RC_ASSERT(largest(plain.all) == largest_possible(rules.sizes, memory, limit));

    rules.memory = static_cast<int64_t>(limit);  // it is also told where it will
    const Run told = run(rules, memory, limit, noise == 0.3 ? 0 : noise);
    RC_ASSERT(told.all.size() <= size_t{kTrials});
    for (const int64_t size : told.tried) RC_ASSERT(size <= most);
    RC_ASSERT(largest(told.all) >= largest_possible(rules.sizes, memory, noise > 0 ? limit * 0.99 : limit));
  });
}

TEST_CASE("A budget that is reached by bytes is kept to within 5 percent") {
  rc::check([] {
    const double fixed = *rc::gen::inRange(0, 100000), each = *rc::gen::inRange(10, 1000);
    const int64_t own = *rc::gen::inRange<int64_t>(1, 512);
    const auto limit = static_cast<int64_t>(fixed + each * *rc::gen::inRange(10, 15000) / 10.0);
    const SearchRules rules{sizes_up_to(1024, own), own, limit, kTrials};
    int trials = 0;
    const auto all = search_batch_size(rules, [&](int64_t size) {
      ++trials;
      return BatchTrial{true, 1e-3 * static_cast<double>(size), static_cast<int64_t>(fixed + each * static_cast<double>(size))};
    });
    const auto possible = std::min<int64_t>(1024, static_cast<int64_t>((static_cast<double>(limit) + 0.999 - fixed) / each));
    RC_ASSERT(largest(all) <= possible);
    RC_ASSERT(static_cast<double>(largest(all)) * 1.05 >= static_cast<double>(possible));
    RC_ASSERT(trials <= kTrials);
  });
}

TEST_CASE("A search that knows its memory needs few trials and does not go far beyond it") {
  int64_t furthest = 0;
  const SearchRules rules{sizes_up_to(1024, 12), 12, 61000, kTrials};
  const auto all = search_batch_size(rules, [&](int64_t size) {
    furthest = std::max(furthest, size);
    return BatchTrial{true, 1, 1000 + 100 * size};  // 600 fit
  });
  CHECK(all.size() <= 6);
  CHECK(furthest <= 660);
  CHECK(static_cast<double>(largest(all)) * 1.05 >= 600);
}

TEST_CASE("Nothing that fits is an error which says what was needed") {
  const SearchRules rules{sizes_up_to(1024, 64), 64, 500, kTrials};
  try {
    search_batch_size(rules, [](int64_t size) { return BatchTrial{true, 1, 1000 * size}; });
    FAIL("a size was found");
  } catch (const Error& e) {
    CHECK(e.code() == Code::out_of_memory);
    CHECK_THAT(e.line(), Contains("a batch of 1 takes 1000 bytes") && Contains("budget of 500"));
  }
  CHECK_THROWS_WITH(search_batch_size(rules,
                                      [](int64_t) {
                                        return BatchTrial{false, 0, 0};
                                      }),
                    Contains("memory runs out at a batch of 1"));
}

TEST_CASE("The largest of the sizes that are about as fast as the fastest is chosen") {
  const auto measured = [](int64_t size, double samples_per_second, bool fits = true) {
    return Measured{size, {fits, static_cast<double>(size) / samples_per_second, 0}, fits};
  };
  CHECK(chosen({measured(8, 100), measured(16, 100), measured(32, 96), measured(64, 90)}).size == 32);
  CHECK(chosen({measured(64, 50), measured(8, 100), measured(16, 200, false)}).size == 8);
  CHECK(chosen({measured(8, 10), measured(64, 100), measured(32, 50)}).size == 64);
  const Measured timeless{16, {true, 0, 0}, true};
  CHECK(chosen({timeless, Measured{32, {true, 0, 0}, true}}).size == 32);
}
