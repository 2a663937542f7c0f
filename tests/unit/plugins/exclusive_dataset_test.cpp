// What a dataset is promised: no two of its calls at once, though the next batches are made on a thread of their own.
#include "gptcore/testing/catch2.h"

using namespace gptcore::testing;

TEST_CASE("A dataset saves its state and tells its content while no batch is made") {
  Harness h{EXCLUSIVE, "exclusive"};
  const Report r = h.run_steps(20);  // saved at every fifth
  GPTCORE_REQUIRE_OK(r);
}
