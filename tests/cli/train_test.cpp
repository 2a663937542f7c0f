// A whole run: what it prints and leaves, and what happens when the same folder is used again.
#include <filesystem>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

TEST_CASE("a tiny pipeline trains, learns, prints a sample and leaves metrics and checkpoints") {
  const Workspace w;
  const Outcome run = w.train();
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  CHECK(lines_with(run.out, "iter ").size() == kIters / 10);
  CHECK(run.out.find("--- sample\nthe ") != std::string::npos);
  for (const char* result : {"out", "out/metrics.jsonl", "out/ckpt/step-000000400"}) {
    INFO(result);
    CHECK(run.out.find(w.path(result).string() + "\n") != std::string::npos);
  }

  const auto evaluations = records(w.path("out"), "evaluation_ended");
  REQUIRE(evaluations.size() >= 2);
  CHECK(evaluations.front().at("step") == 0);
  CHECK(evaluations.front().at("val_loss") == Approx(5.55).margin(0.1));  // ln 256: knows nothing yet
  CHECK(evaluations.back().at("step") == kIters);
  CHECK(evaluations.back().at("val_loss") < 3);
  CHECK(records(w.path("out"), "step_ended").size() == kIters / 10);
  CHECK(records(w.path("out"), "sampled").size() == 1);
  CHECK(records(w.path("out"), "run_ended").size() == 1);

  const fs::path checkpoint = newest_checkpoint(w.path("out"));
  CHECK(checkpoint.filename() == "step-000000400");
  for (const char* file : {"model.safetensors", "state.json", "config.toml", "manifest.json"}) {
    INFO(file);
    CHECK(fs::exists(checkpoint / file));
  }
}

TEST_CASE("two runs with one seed give the same bytes, another seed gives others") {
  const Workspace a, b, c;
  REQUIRE(a.train(kShort).status == 0);
  REQUIRE(b.train(kShort).status == 0);
  auto other = kShort;
  other.insert(other.end(), {"--set", "run.seed=2"});
  REQUIRE(c.train(other).status == 0);
  const auto model = [](const Workspace& w) { return read(newest_checkpoint(w.path("out")) / "model.safetensors"); };
  CHECK(model(a) == model(b));
  CHECK(model(a) != model(c));
}

TEST_CASE("a finished run started again does not train again") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  const fs::path model = newest_checkpoint(w.path("out")) / "model.safetensors";
  const auto written = fs::last_write_time(model);
  const Outcome again = w.train(kShort);
  INFO(again.out << again.err);
  CHECK(again.status == 0);
  CHECK(lines_with(again.out, "iter ").empty());
  CHECK(fs::last_write_time(model) == written);
}

TEST_CASE("more updates asked for later continue a finished run") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  const Outcome more = w.train({"--set", "train.max_iters=40", "--set", "train.eval_interval=10"});
  INFO(more.out << more.err);
  CHECK(more.status == 0);
  CHECK(lines_with(more.out, "step 10:").empty());
  CHECK(lines_with(more.out, "step 30:").size() == 1);
  CHECK(newest_checkpoint(w.path("out")).filename() == "step-000000040");
}

TEST_CASE("--resume never leaves a run that is there alone") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  const std::string model = read(newest_checkpoint(w.path("out")) / "model.safetensors");
  auto words = kShort;
  words.insert(words.end(), {"--resume", "never"});
  const Outcome refused = w.train(words);
  CHECK(refused.status == 5);
  CHECK(refusal(refused) == "GC503");
  CHECK(read(newest_checkpoint(w.path("out")) / "model.safetensors") == model);

  SECTION("--overwrite moves it aside") {
    words.push_back("--overwrite");
    const Outcome fresh = w.train(words);
    INFO(fresh.out << fresh.err);
    CHECK(fresh.status == 0);
    CHECK(lines_with(fresh.out, "step 10:").size() == 1);
    CHECK(read(newest_checkpoint(w.path("out.old-1")) / "model.safetensors") == model);
    CHECK(read(newest_checkpoint(w.path("out")) / "model.safetensors") == model);
  }
}

TEST_CASE("--resume PATH starts a new folder from another run's checkpoint") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  const Outcome next = w.train({"--set", "train.max_iters=40", "--set", "train.eval_interval=10", "--set", "run.out_dir=next",
                                "--resume", "out/ckpt/step-000000020"});
  INFO(next.out << next.err);
  CHECK(next.status == 0);
  CHECK(lines_with(next.out, "step 10:").empty());
  CHECK(newest_checkpoint(w.path("next")).filename() == "step-000000040");
}

TEST_CASE("files given on the command line take the place of a pipeline's url") {
  const Workspace w;
  std::string pipeline = read(w.path("tiny.toml"));
  const std::string files = "files = [\"input.txt\"]";
  pipeline.replace(pipeline.find(files), files.size(),
                   "url = \"https://example.invalid/input.txt\"\nsha256 = \"" + std::string(64, '0') + "\"");
  w.write("tiny.toml", pipeline);
  auto words = kShort;
  words.insert(words.end(), {"--set", "dataset.files=[\"input.txt\"]"});
  const Outcome run = w.train(words);
  INFO(run.out << run.err);
  CHECK(run.status == 0);
}

TEST_CASE("eval_interval = 0 evaluates at the end only") {
  const Workspace w;
  const Outcome run = w.train({"--set", "train.max_iters=20", "--set", "train.eval_interval=0"});
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  const auto evaluations = records(w.path("out"), "evaluation_ended");
  REQUIRE(evaluations.size() == 1);
  CHECK(evaluations[0].at("step") == 20);
}
