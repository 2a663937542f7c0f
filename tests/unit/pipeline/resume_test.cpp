// What a run goes on from, in whole runs.
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/pipeline/tensor_files.h"
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

TEST_CASE("a checkpoint of format 6, with one step count for all, goes on as if nothing had changed", "[resume]") {
  SmallRun whole("max_iters = 12\nschedule = \"constant\""), old("max_iters = 6\nschedule = \"constant\"");
  REQUIRE(whole.run() == 0);
  REQUIRE(old.run() == 0);
  const auto files = posix_file_system();
  const auto folder = old.out / "ckpt/step-000000006";
  const SafetensorsFile now(*files, folder / "optimizer.safetensors");
  NamedTensors moments = {{"step", at::full({}, 6.0)}};
  for (const TensorInfo& info : now.tensors()) {
    if (info.name.starts_with("step.")) continue;
    moments.emplace_back(info.name, at::empty(info.shape));
    now.read_into(info.name, moments.back().second.data_ptr(), moments.back().second.nbytes());
  }
  std::vector<at::Tensor> keep;
  const CheckpointPart part = tensor_part("x", moments, keep);
  write_safetensors(*files, old.folder.path / "x", std::get<TensorPart>(part.content).tensors, {});
  old.rewrite("step-000000006", "optimizer.safetensors", read_raw(old.folder.path / "x"));
  std::string state = read_raw(folder / "state.json");
  state.replace(state.find("\"format\": 7"), 11, "\"format\": 6, \"moments_born\": {}");
  old.rewrite("step-000000006", "state.json", state);

  old.configure("max_iters = 12\nschedule = \"constant\"");
  REQUIRE(old.run() == 0);
  CHECK(old.weights() == whole.weights());
}

TEST_CASE("a state of a later format ends the run and stays where it is", "[resume]") {
  SmallRun run("checkpoint_interval = 6");
  REQUIRE(run.run() == 0);
  run.rewrite("step-000000012", "state.json", "{\"format\": 99}");
  CHECK_THROWS_WITH(run.run(), Catch::Contains("state format 99"));
  CHECK(run.checkpoints() == std::vector<std::string>{"step-000000006", "step-000000012"});
}

TEST_CASE("--resume PATH of another run makes its checkpoint the new run's first", "[resume]") {
  SmallRun first;
  REQUIRE(first.run() == 0);

  SECTION("also when there is nothing left to do") {
    SmallRun second;
    second.plan.resume = first.out.string();
    REQUIRE(second.run() == 0);
    CHECK(second.checkpoints() == std::vector<std::string>{"step-000000012"});
    CHECK(second.weights() == first.weights());
  }
  SECTION("so that a spike can go back to it") {
    SmallRun second("max_iters = 60\nschedule = \"constant\"\non_spike = \"rewind\"\nspike_zscore = 1\nmax_rewinds = 3");
    SmallRun long_one("max_iters = 40\nschedule = \"constant\"\non_spike = \"warn\"");
    REQUIRE(long_one.run() == 0);
    second.plan.resume = long_one.out.string();
    CHECK_THROWS_WITH(second.run(), Catch::Contains("training went back 3 times already"));
    CHECK_THAT(second.said, Catch::Contains("back to step 40, past the data since"));
  }
  SECTION("but not to look at it only") {
    SmallRun second("eval_only = true");
    second.plan.resume = first.out.string();
    REQUIRE(second.run() == 0);
    CHECK_FALSE(std::filesystem::exists(second.out / "ckpt"));
    CHECK(second.records("evaluation_ended") == 1);
  }
}

TEST_CASE("a resumed run keeps the number of threads it was computed with, or says that it does not", "[resume]") {
  const auto configured = [](SmallRun& run, const std::string& keys, int iters) {
    run.run_keys = keys;
    run.configure("max_iters = " + std::to_string(iters) + "\nschedule = \"constant\"");
  };
  const auto threads = [](const SmallRun& run, const std::string& checkpoint) {
    return nlohmann::json::parse(read_raw(run.out / "ckpt" / checkpoint / "state.json")).at("threads").get<int>();
  };
  SmallRun run;
  configured(run, "threads = 1", 6);
  REQUIRE(run.run() == 0);
  CHECK(threads(run, "step-000000006") == 1);

  SECTION("kept where the pipeline leaves it open, to the same bits") {
    SmallRun whole;
    configured(whole, "threads = 1", 12);
    REQUIRE(whole.run() == 0);
    configured(run, "", 12);
    REQUIRE(run.run() == 0);
    CHECK(threads(run, "step-000000012") == 1);
    CHECK(run.weights() == whole.weights());
    CHECK(run.said.find("the last bits may differ") == std::string::npos);
  }
  SECTION("the pipeline's own number wins") {
    configured(run, "threads = 3", 12);
    REQUIRE(run.run() == 0);
    CHECK_THAT(run.said, Catch::Contains("computed with 1 thread so far, now with 3: the last bits may differ"));
    CHECK(threads(run, "step-000000012") == 3);
  }
  SECTION("OMP_NUM_THREADS wins where the pipeline leaves it open") {
    configured(run, "", 12);
    ::setenv("OMP_NUM_THREADS", "3,1", 1);
    const int code = run.run();
    ::unsetenv("OMP_NUM_THREADS");
    REQUIRE(code == 0);
    CHECK(threads(run, "step-000000012") == 3);
    CHECK_THAT(run.said, Catch::Contains("now with 3: the last bits may differ"));
  }
}

TEST_CASE("a finished run says that there is nothing to do, and what would be", "[resume]") {
  SmallRun run;
  REQUIRE(run.run() == 0);
  CHECK(run.said.find("nothing to do") == std::string::npos);
  REQUIRE(run.run() == 0);
  CHECK_THAT(run.said,
             Catch::Contains("stage 'train', step 12 of 12: nothing to do; raise max_iters, or start over with --overwrite"));
  run.configure("eval_only = true");
  const int before = run.records("evaluation_ended");
  REQUIRE(run.run() == 0);
  CHECK(run.records("evaluation_ended") == before + 1);
  CHECK(run.said.find("nothing to do") == std::string::npos);
}

TEST_CASE("an interrupted run says which command goes on", "[resume]") {
  SmallRun run;
  int looks = 0;
  run.plan.memory.clock = [&] {
    if (++looks == 5) std::raise(SIGUSR1);
    return static_cast<double>(looks);
  };
  run.meminfo(500);
  SECTION("the same one") {
    CHECK(run.run() == 75);
    CHECK_THAT(run.said, Catch::Contains("the same command continues from step 5"));
  }
  SECTION("not with --overwrite") {
    run.plan.overwrite = true;
    CHECK(run.run() == 75);
    CHECK_THAT(run.said, Catch::Contains("the same command without --overwrite continues from step 5"));
  }
  SECTION("not with --resume never") {
    run.plan.resume = "never";
    CHECK(run.run() == 75);
    CHECK_THAT(run.said, Catch::Contains("the same command without its --resume continues from step 5"));
  }
}

TEST_CASE("--overwrite leaves the run that is there alone until the new one is known to be possible", "[resume]") {
  SmallRun run;
  REQUIRE(run.run() == 0);
  const std::string weights = run.weights();
  run.plan.overwrite = true;
  std::filesystem::rename(run.folder.path / "text.txt", run.folder.path / "away.txt");
  CHECK_THROWS_AS(run.run(), Error);
  CHECK(run.weights() == weights);
  CHECK_FALSE(std::filesystem::exists(run.folder.path / "out.old-1"));
  std::filesystem::rename(run.folder.path / "away.txt", run.folder.path / "text.txt");
  REQUIRE(run.run() == 0);
  CHECK(std::filesystem::exists(run.folder.path / "out.old-1/ckpt"));
}

TEST_CASE("another pipeline's run is refused before its tokenizer is read", "[resume]") {
  SmallRun run;
  REQUIRE(run.run() == 0);
  run.tokenizer = "byte";
  run.configure("");
  CHECK_THROWS_WITH(run.run(), Catch::Contains("tokenizer.use is \"byte\" here and \"char\" there"));
}

TEST_CASE("data that has changed since the checkpoint is named with its place", "[resume]") {
  SmallRun run;
  REQUIRE(run.run() == 0);
  write_raw(run.folder.path / "text.txt", read_raw(run.folder.path / "text.txt") + "\u00e9");
  try {
    run.run();
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(e.code() == Code::unknown_character);
    CHECK_THAT(e.where(), Catch::Contains("text.txt"));
    CHECK_THAT(e.hint(), Catch::Contains("the data has changed since") && Catch::Contains("step-000000012"));
  }
}

TEST_CASE("the best loss of a checkpoint that does not note its windows is compared with no loss over others", "[resume]") {
  SmallRun run("eval_interval = 6\nmax_iters = 12");
  REQUIRE(run.run() == 0);
  auto state = nlohmann::json::parse(read_raw(run.out / "ckpt/step-000000012/state.json"));
  state.erase("best_measured");
  run.rewrite("step-000000012", "state.json", state.dump());
  const bool other = GENERATE(true, false);
  run.configure(std::string("eval_interval = 6\nmax_iters = 18") + (other ? "\neval_batch_size = 1" : ""));
  REQUIRE(run.run() == 0);
  CHECK((run.said.find("evaluations take other windows than before") != std::string::npos) == other);
}

TEST_CASE("the best model and patience of other data count for nothing, and its best checkpoint is kept", "[resume]") {
  const std::string keys = "eval_interval = 6\nschedule = \"constant\"\npatience = 1\nkeep_checkpoints = 1\n";
  SmallRun first(keys + "max_iters = 12");
  REQUIRE(first.run() == 0);
  const auto state = [](const SmallRun& run, const std::string& checkpoint) {
    return nlohmann::json::parse(read_raw(run.out / "ckpt" / checkpoint / "state.json"));
  };
  auto lucky = state(first, "step-000000012");
  lucky["best_val_loss"] = lucky["patience_reference"] = lucky["val_loss"] = 0.001;
  first.rewrite("step-000000012", "state.json", lucky.dump());
  const auto other_text = [](const SmallRun& run) {
    const std::string text = read_raw(run.folder.path / "text.txt");
    write_raw(run.folder.path / "text.txt", std::string(text.rbegin(), text.rend()));
  };
  SECTION("in another folder") {
    SmallRun second(keys + "max_iters = 24");
    other_text(second);
    second.plan.resume = first.out.string();
    REQUIRE(second.run() == 0);
    CHECK_THAT(second.said, Catch::Contains("earlier losses are of other data and do not compare with later ones"));
    CHECK(second.said.find("is kept") == std::string::npos);
    CHECK(second.records("evaluation_ended") == 3);  // 12, 18, 24
    CHECK(state(second, "step-000000024").at("best_val_loss").get<double>() > 0.001);
  }
  SECTION("in the same one") {
    first.configure(keys + "max_iters = 24");
    other_text(first);
    const std::string weights = first.weights();
    REQUIRE(first.run() == 0);
    CHECK_THAT(first.said, Catch::Contains("the best checkpoint until then, of step 12, is kept"));
    CHECK(state(first, "step-000000024").at("best_val_loss").get<double>() > 0.001);
    CHECK(first.weights("step-000000012") == weights);
  }
  SECTION("but those of the same data do") {
    SmallRun second(keys + "max_iters = 24");
    second.plan.resume = first.out.string();
    REQUIRE(second.run() == 0);
    CHECK(second.said.find("do not compare") == std::string::npos);
    CHECK_THAT(second.said, Catch::Contains("ended early"));
  }
}
