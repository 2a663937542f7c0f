#include "gptcore/token_windows.h"

#include <rapidcheck.h>

#include <numeric>
#include <set>

#include "tests/catch.h"

using namespace gptcore;

namespace {

// Tokens 0, 1, 2, ... so that a token says where it is.
std::vector<int32_t> counting(int64_t n) {
  std::vector<int32_t> out(static_cast<size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

struct Case {
  int64_t block = *rc::gen::inRange<int64_t>(1, 20);
  int64_t tokens = block + *rc::gen::inRange<int64_t>(1, 100);
  uint64_t seed = *rc::gen::arbitrary<uint64_t>();
  TokenWindows windows{tokens, block, seed, Split::train, "x", ""};
  std::vector<int32_t> content = counting(tokens);

  Batch batch(Order order, int64_t first, int64_t count) const {
    Batch out;
    windows.batch({Split::train, order, first, count}, out, tokens_of<int32_t>(content));
    return out;
  }
};

}  // namespace

TEST_CASE("sequential windows predict every token after the first exactly once") {
  rc::check([] {
    const Case c;
    std::multiset<int64_t> predicted;
    const Batch batch = c.batch(Order::sequential, 0, c.windows.windows());
    const int64_t* ids = batch.ids.const_data_ptr<int64_t>();
    const int64_t* targets = batch.targets.const_data_ptr<int64_t>();
    for (int64_t i = 0; i < batch.ids.numel(); ++i) {
      if (targets[i] < 0) {
        RC_ASSERT(targets[i] == -1);
        RC_ASSERT(ids[i] == 0);
        RC_ASSERT(i >= batch.ids.numel() - c.block);  // only the last window is filled up
        continue;
      }
      RC_ASSERT(targets[i] == ids[i] + 1);
      predicted.insert(targets[i]);
    }
    RC_ASSERT(predicted.size() == static_cast<size_t>(c.tokens - 1));
    for (int64_t t = 1; t < c.tokens; ++t) RC_ASSERT(predicted.count(t) == 1u);
  });
}

TEST_CASE("an epoch of shuffled windows predicts no token twice, and all but the split's ends") {
  rc::check([] {
    const Case c;
    const int64_t n = c.windows.epoch(), epoch = *rc::gen::inRange<int64_t>(0, 3);
    std::set<int64_t> predicted;
    const Batch batch = c.batch(Order::shuffled, epoch * n, n);
    const int64_t* ids = batch.ids.const_data_ptr<int64_t>();
    const int64_t* targets = batch.targets.const_data_ptr<int64_t>();
    for (int64_t i = 0; i < batch.ids.numel(); ++i) {
      RC_ASSERT(ids[i] == ids[i - i % c.block] + i % c.block);
      RC_ASSERT(targets[i] == ids[i] + 1);
      RC_ASSERT(predicted.insert(targets[i]).second);
    }
    RC_ASSERT(*predicted.rbegin() < c.tokens);
    RC_ASSERT(*predicted.rbegin() - *predicted.begin() + 1 == static_cast<int64_t>(predicted.size()));  // no gap
    RC_ASSERT(c.tokens - static_cast<int64_t>(predicted.size()) < 2 * c.block + 1);
  });
}

TEST_CASE("over the epochs a window may start anywhere") {
  const TokenWindows windows(40, 8, 1, Split::train, "", "");
  std::set<int64_t> starts;
  for (int64_t i = 0; i < 4000; ++i) starts.insert(windows.start(Order::shuffled, i));
  CHECK(*starts.begin() == 0);
  CHECK(*starts.rbegin() == 31);
  CHECK(starts.size() == 32);
}

TEST_CASE("a sample is the same in whatever batch it comes") {
  rc::check([] {
    const Case c;
    const int64_t first = *rc::gen::inRange<int64_t>(0, 1000000), count = *rc::gen::inRange<int64_t>(2, 9);
    const Batch whole = c.batch(Order::shuffled, first, count);
    for (int64_t b = 0; b < count; ++b) {
      const Batch one = c.batch(Order::shuffled, first + b, 1);
      RC_ASSERT(std::equal(one.ids.const_data_ptr<int64_t>(), one.ids.const_data_ptr<int64_t>() + c.block,
                           whole.ids.const_data_ptr<int64_t>() + b * c.block));
    }
  });
}

TEST_CASE("seed, split and epoch each give another order") {
  const auto order = [](uint64_t seed, Split split, int64_t epoch) {
    const TokenWindows w(1001, 1, seed, split, "", "");
    std::vector<int64_t> out;
    for (int64_t i = 0; i < 1000; ++i) out.push_back(w.start(Order::shuffled, epoch * 1000 + i));
    return out;
  };
  const auto base = order(1, Split::train, 0);
  CHECK(base == order(1, Split::train, 0));
  CHECK(base != order(2, Split::train, 0));
  CHECK(base != order(1, Split::val, 0));
  CHECK(base != order(1, Split::train, 1));
}

TEST_CASE("a split too short for one window is refused with both numbers") {
  CHECK_NOTHROW(TokenWindows(0, 8, 1, Split::val, "f", "h"));
  CHECK_NOTHROW(TokenWindows(9, 8, 1, Split::val, "f", "h"));
  try {
    TokenWindows(8, 8, 1, Split::val, "a.txt", "do this");
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.code() == Code::data_too_short);
    CHECK(e.what() == std::string("the val split has 8 tokens, block_size = 8 needs at least 9"));
    CHECK(e.hint() == "do this");
    CHECK(e.where() == "a.txt");
  }
}

TEST_CASE("samples that do not exist are refused") {
  const std::vector<int32_t> content = counting(20);
  const TokenWindows w(20, 4, 1, Split::train, "", ""), none(0, 4, 1, Split::val, "", "");
  Batch out;
  const auto read = tokens_of<int32_t>(content);
  CHECK(w.windows() == 5);
  CHECK_NOTHROW(w.batch({Split::train, Order::sequential, 4, 1}, out, read));
  CHECK_THROWS_AS(w.batch({Split::train, Order::sequential, 4, 2}, out, read), Error);
  CHECK_THROWS_AS(w.batch({Split::train, Order::shuffled, -1, 2}, out, read), Error);
  CHECK_THROWS_AS(w.batch({Split::train, Order::shuffled, 0, 0}, out, read), Error);
  CHECK_THROWS_AS(none.batch({Split::val, Order::shuffled, 0, 1}, out, read), Error);
}

TEST_CASE("the hash of tokens changes with any token, their order and their number") {
  const std::vector<int32_t> a = {1, 2, 3}, b = {1, 3, 2}, c = {1, 2}, d = {1, 2, 3, 0};
  const auto hash = [](const std::vector<int32_t>& v, uint64_t before = 0) {
    return hash_of(std::span<const int32_t>(v), before);
  };
  CHECK(hash(a) == hash(a));
  CHECK(std::set<uint64_t>{hash(a), hash(b), hash(c), hash(d), hash(a, 1)}.size() == 5);
}
