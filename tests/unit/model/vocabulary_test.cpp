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
