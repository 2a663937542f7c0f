// Pipelines whose train stages are others, or stand elsewhere, than when the checkpoint was saved, in whole runs.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "gptcore/error.h"
#include "tests/catch.h"
#include "tests/unit/pipeline/small_run.h"

using namespace gptcore;
using gptcore::testing::SmallRun;

namespace {

using Stages = std::vector<std::pair<std::string, int>>;  // names, "" for none, and max_iters

// For SmallRun::configure(), which has opened the first stage.
std::string text_of(const Stages& stages) {
  std::string text;
  for (const auto& [name, iters] : stages) {
    if (!text.empty()) text += "[[stage]]\nkind = \"train\"\nbatch_size = 4\neval_iters = 1\neval_interval = 0\n";
    if (!name.empty()) text += "name = \"" + name + "\"\n";
    text += "max_iters = " + std::to_string(iters) + "\n";
  }
  return text;
}

// What the run is refused with, message and hint.
std::string refusal(SmallRun& run, const Stages& stages) {
  run.configure(text_of(stages));
  try {
    run.run();
  } catch (const Error& e) {
    CHECK(e.code() == Code::checkpoint_mismatch);
    return std::string(e.what()) + "; " + e.hint();
  }
  return "";
}

int run_as(SmallRun& run, const Stages& stages) {
  run.configure(text_of(stages));
  return run.run();
}

std::string newest(const SmallRun& run) {
  return run.checkpoints().back();
}

// As a version wrote it that did not note which stages had ended.
void forget_ended(const SmallRun& run) {
  auto state = nlohmann::json::parse(read_raw(run.out / "ckpt" / newest(run) / "state.json"));
  state.erase("ended_stages");
  run.rewrite(newest(run), "state.json", state.dump());
}

}  // namespace

TEST_CASE("stages of a finished run that change places are not trained again", "[stages]") {
  SmallRun run(text_of({{"a", 4}, {"b", 4}}));
  REQUIRE(run.run() == 0);
  const std::string weights = run.weights("step-000000008");
  REQUIRE(run_as(run, {{"b", 4}, {"a", 4}}) == 0);
  CHECK_THAT(run.said, Catch::Contains("stage 'a' ended before stage 'b' began and is not trained again"));
  CHECK(newest(run) == "step-000000008");
  CHECK(run.weights("step-000000008") == weights);
  REQUIRE(run_as(run, {{"b", 4}, {"a", 4}, {"c", 4}}) == 0);
  CHECK(newest(run) == "step-000000012");
  REQUIRE(run_as(run, {{"a", 4}, {"c", 4}, {"b", 4}}) == 0);
  CHECK_THAT(run.said, Catch::Contains("stage 'b' ended before stage 'c' began") && !Catch::Contains("stage 'a' ended"));
  CHECK(newest(run) == "step-000000012");
}

TEST_CASE("a stage that comes before the one at work and was never trained is refused, and trained behind it", "[stages]") {
  SmallRun run(text_of({{"a", 4}}));
  REQUIRE(run.run() == 0);
  const bool old_version = GENERATE(false, true);
  if (old_version) forget_ended(run);
  CHECK(refusal(run, {{"b", 4}, {"a", 4}}) ==
        "stage 'b' was never trained, and comes before stage 'a', which has begun; move its [[stage]] table below that of 'a'");
  CHECK(read_raw(run.out / "config.toml").find("\"b\"") == std::string::npos);
  REQUIRE(run_as(run, {{"a", 4}, {"b", 4}}) == 0);
  CHECK(newest(run) == "step-000000008");
}

TEST_CASE("a checkpoint whose stage the pipeline lacks is refused, and starts the stages of another run", "[stages]") {
  const auto [before, now, at_work] = GENERATE(table<Stages, Stages, std::string>(
      {{{{"a", 4}, {"b", 4}}, {{"a", 4}}, "b"}, {{{"", 4}, {"", 4}}, {{"", 4}}, "train-2"}, {{{"a", 8}}, {{"x", 4}}, "a"}}));
  SmallRun run(text_of(before));
  REQUIRE(run.run() == 0);
  const std::string checkpoint = (run.out / "ckpt/step-000000008").string();
  const std::string refused = refusal(run, now);
  CHECK_THAT(refused, Catch::Contains("made in stage '" + at_work + "', which this pipeline does not have; keep that stage's"));
  CHECK_THAT(refused, Catch::Contains("the same command with --run.out_dir=") && Catch::Contains("ckpt/step-000000008"));
  CHECK(newest(run) == "step-000000008");

  SmallRun other(text_of(now));
  other.plan.resume = checkpoint;
  REQUIRE(other.run() == 0);
  CHECK_THAT(other.said, Catch::Contains("made in stage '" + at_work + "', which this pipeline does not have: its stages"));
  CHECK(newest(other) == "step-000000012");
  other.plan.resume = "auto";
  REQUIRE(other.run() == 0);
  CHECK(newest(other) == "step-000000012");
}

TEST_CASE("a run whose checkpoint does not note which stages ended goes by the order of the checkpoint's pipeline",
          "[stages]") {
  SmallRun run(text_of({{"a", 4}, {"b", 4}}));
  REQUIRE(run.run() == 0);
  forget_ended(run);
  REQUIRE(run_as(run, {{"b", 4}, {"a", 4}}) == 0);
  CHECK(newest(run) == "step-000000008");
  REQUIRE(run_as(run, {{"a", 4}, {"b", 6}}) == 0);
  CHECK(newest(run) == "step-000000010");
  REQUIRE(run_as(run, {{"b", 6}, {"a", 4}}) == 0);
  CHECK(newest(run) == "step-000000010");
}

TEST_CASE("a stage that was trained and is then only measured has ended once the next one begins", "[stages]") {
  const auto measured = [](const std::string& stage, const Stages& stages) {
    const std::string text = text_of(stages), line = "name = \"" + stage + "\"\n";
    return std::string(text).insert(text.find(line), "eval_only = true\n");
  };
  SmallRun run(measured("b", {{"a", 4}, {"b", 4}}));
  REQUIRE(run.run() == 0);
  run.configure(measured("a", {{"a", 8}, {"b", 4}}));
  REQUIRE(run.run() == 0);
  CHECK(newest(run) == "step-000000008");
  REQUIRE(run_as(run, {{"a", 8}, {"b", 6}}) == 0);
  CHECK(newest(run) == "step-000000010");
}

TEST_CASE("a changed setting of a stage that has ended is told to have no effect", "[stages]") {
  SmallRun run(text_of({{"a", 4}, {"b", 4}}));
  REQUIRE(run.run() == 0);
  REQUIRE(run_as(run, {{"a", 6}, {"b", 6}}) == 0);
  CHECK_THAT(run.said, Catch::Contains("resume: a.max_iters: 4 -> 6, without effect: stage 'a' has ended\n"));
  CHECK_THAT(run.said, Catch::Contains("resume: b.max_iters: 4 -> 6\n"));
  CHECK(newest(run) == "step-000000010");
}

TEST_CASE("only the last stage to train says that there is nothing to do", "[stages]") {
  SmallRun run(text_of({{"a", 4}}));
  REQUIRE(run.run() == 0);
  REQUIRE(run_as(run, {{"a", 4}, {"b", 4}}) == 0);
  CHECK(run.said.find("nothing to do") == std::string::npos);
  REQUIRE(run.run() == 0);
  CHECK_THAT(run.said, Catch::Contains("stage 'b', step 4 of 4: nothing to do"));
}

TEST_CASE("metrics of a training that left no checkpoint are not of a run that starts there from another's", "[stages]") {
  SmallRun first, second;
  REQUIRE(first.run() == 0);
  std::filesystem::create_directories(second.out);
  write_raw(second.out / "metrics.jsonl", "{\"event\":\"step_ended\",\"step\":1,\"loss\":5.0}\n");
  second.plan.resume = first.out.string();
  REQUIRE(second.run() == 0);
  CHECK(second.records("step_ended") == 0);
  CHECK(second.records("run_started") == 1);
}
