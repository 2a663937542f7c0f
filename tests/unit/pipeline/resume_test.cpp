// What a run goes on from, in whole runs.
#include <algorithm>
#include <filesystem>

#include "gptcore/error.h"
#include "tests/catch.h"
#include "tests/unit/pipeline/small_run.h"

using namespace gptcore;
using gptcore::testing::SmallRun;

TEST_CASE("a checkpoint whose state makes no sense is passed over, and the run goes on from the older one", "[resume]") {
  SmallRun run("checkpoint_interval = 6");
  REQUIRE(run.run() == 0);
  const std::string weights = run.weights();
  const char* broken = GENERATE("state.json", "optimizer.safetensors");
  run.rewrite("step-000000012", broken, "{\"format\": 7}");
  REQUIRE(run.run() == 0);
  CHECK_THAT(run.said, Catch::Contains(std::string("step-000000012/") + broken) &&
                           Catch::Contains("moved to step-000000012.corrupt, trying an older one"));
  CHECK_THAT(run.said, Catch::Contains("resuming from " + (run.out / "ckpt/step-000000006").string()));
  CHECK(run.weights() == weights);
}

TEST_CASE("a state of a later format ends the run and stays where it is", "[resume]") {
  SmallRun run("checkpoint_interval = 6");
  REQUIRE(run.run() == 0);
  run.rewrite("step-000000012", "state.json", "{\"format\": 99}");
  CHECK_THROWS_WITH(run.run(), Catch::Contains("state format 99"));
  CHECK(run.checkpoints() == std::vector<std::string>{"step-000000006", "step-000000012"});
}
