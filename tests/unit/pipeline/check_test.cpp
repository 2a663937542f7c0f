#include "core/pipeline/check.h"

#include <ATen/Parallel.h>

#include "tests/catch.h"
#include "tests/unit/pipeline/small_run.h"

using namespace gptcore;
using namespace gptcore::testing;

TEST_CASE("a check computes nothing and starts no threads for it, whatever number the run has") {
  SmallRun run;
  run.run_keys = "threads = 7";
  run.configure("");
  at::set_num_threads(2);
  CHECK(check_pipeline(run.plan.config, run.plan.plugin_files).empty());
  CHECK(at::get_num_threads() == 1);
}
