#include "core/model/vocabulary.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>

#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("new rows are the mean of all or a copy of one, and noise of the given width", "[model]") {
  const at::Tensor table = at::arange(4000, at::kFloat).view({40, 100}) / 100;
  const at::Tensor mean = new_rows(table, 3, {-1, 0}, "wte", 1), copy = new_rows(table, 2, {7, 0}, "wte", 1);
  for (int64_t i = 0; i < 3; ++i) CHECK(mean[i].allclose(table.mean(0)));
  for (int64_t i = 0; i < 2; ++i) CHECK(copy[i].equal(table[7]));
  const at::Tensor noisy = new_rows(table, 30, {-1, 0.01}, "wte", 1);
  CHECK((noisy - table.mean(0)).std().item<double>() == Approx(0.01).epsilon(0.05));
  CHECK(noisy.equal(new_rows(table, 30, {-1, 0.01}, "wte", 1)));
  CHECK_FALSE(noisy.equal(new_rows(table, 30, {-1, 0.01}, "wte", 2)));
  CHECK_FALSE(noisy.equal(new_rows(table, 30, {-1, 0.01}, "lm_head", 1)));
}

TEST_CASE("a row is of the token that is shown by its number, and the others change places", "[vocabulary]") {
  using Tokens = std::vector<int64_t>;
  CHECK(tokens_of_rows({}, 4) == Tokens{0, 1, 2, 3});
  const std::vector<int32_t> shown = {5, 1, 7};  // 0 and 2 have lost their rows
  CHECK(tokens_of_rows(shown, 3) == Tokens{5, 1, 7});
  CHECK(tokens_of_rows(shown, 9) == Tokens{5, 1, 7, 3, 4, 0, 6, 2, 8});
  const std::vector<int32_t> chain = {2, 4, 1};  // 4 is at 1, 1 at 2, 2 at 0
  CHECK(tokens_of_rows(chain, 5) == Tokens{2, 4, 1, 3, 0});

  CHECK(rows_of_tokens({5, 1, 7}, {0, 1, 5}) == Tokens{-1, 1, 0});
  CHECK(in_place({0, 1, 2}));
  CHECK_FALSE(in_place({0, -1}));
}

TEST_CASE("rows are arranged with new ones among them", "[vocabulary]") {
  const at::Tensor table = at::arange(12, at::kFloat).view({4, 3});
  const at::Tensor out = arranged_rows(table, {3, -1, 0, -1}, new_rows(table, 2, {1, 0}, "wte", 1));
  CHECK(out[0].equal(table[3]));
  CHECK(out[1].equal(table[1]));
  CHECK(out[2].equal(table[0]));
  CHECK(out[3].equal(table[1]));
}
