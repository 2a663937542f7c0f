// What a run does that nobody asked for: it speaks, writes metrics, and is named after its pipeline.
#include <filesystem>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

// tiny.toml without [[logger]], name and out_dir.
std::string bare_pipeline(const Workspace& w) {
  std::string text = read(w.path("tiny.toml"));
  text.erase(text.find("[[logger]]"));
  const size_t begin = text.find("name = ");
  return text.erase(begin, text.find("device") - begin);
}

std::vector<std::string> short_run(const std::string& file, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = {"run", file};
  words.insert(words.end(), kShort.begin(), kShort.end());
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_CASE("a pipeline without loggers speaks and writes metrics") {
  const Workspace w;
  w.write("bare.toml", bare_pipeline(w));
  const Outcome outcome = w.gptcore(short_run("bare.toml"));
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 0);
  CHECK_FALSE(lines_with(outcome.out, "iter 10:").empty());
  CHECK(fs::exists(w.path("runs/bare/metrics.jsonl")));
}

TEST_CASE("--quiet leaves the metrics alone and says nothing") {
  const Workspace w;
  w.write("bare.toml", bare_pipeline(w));
  for (const std::string file : {"bare.toml", "tiny.toml"}) {
    const Outcome outcome = w.gptcore(short_run(file, {"--quiet"}));
    INFO(file << "\n" << outcome.out << outcome.err);
    CHECK(outcome.status == 0);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.empty());
  }
  CHECK_FALSE(records(w.path("runs/bare"), "step_ended").empty());
  CHECK_FALSE(records(w.path("out"), "step_ended").empty());
  CHECK_FALSE(w.gptcore({"run", "tiny.toml", "--quiet", "--n_embd=32"}).err.empty());
}

TEST_CASE("the logger none switches all off") {
  const Workspace w;
  w.write("bare.toml", bare_pipeline(w) + "[[logger]]\nuse = \"none\"\n");
  const Outcome outcome = w.gptcore(short_run("bare.toml"));
  CHECK(outcome.status == 0);
  CHECK(outcome.out.empty());
  CHECK_FALSE(fs::exists(w.path("runs/bare/metrics.jsonl")));
}

TEST_CASE("two pipelines without a name have a run each") {
  const Workspace w;
  w.write("bytes.toml", bare_pipeline(w));
  w.write("characters.toml", bare_pipeline(w));
  REQUIRE(w.gptcore(short_run("bytes.toml")).status == 0);
  const Outcome other = w.gptcore(short_run("characters.toml", {"--tokenizer.use=char", "--n_embd=32"}));
  INFO(other.out << other.err);
  CHECK(other.status == 0);
  CHECK(fs::exists(w.path("runs/bytes/ckpt")));
  CHECK(fs::exists(w.path("runs/characters/ckpt")));
}

TEST_CASE("a command line as nanoGPT takes it trains") {
  const Workspace w;
  const Outcome outcome =
      w.gptcore({"run", "tiny.toml", "--max_iters=2e1", "--eval_interval=10", "--compile=False", "--decay_lr=False",
                 "--beta2=.99", "--dtype=float32", "--wandb_log=False", "--device=cpu", "--out_dir=out-tiny"});
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 0);
  const std::string used = read(w.path("out-tiny/config.toml"));
  for (const char* line : {"max_iters = 20\n", "schedule = \"constant\"\n", "warmup_iters = 0\n", "beta2 = 0.99\n"})
    CHECK(used.find(line) != std::string::npos);
}

TEST_CASE("a key alone switches a boolean on, and a value apart from its key is joined in the hint") {
  const Workspace w;
  const Outcome evaluated = w.gptcore({"run", "tiny.toml", "--eval_only"});
  INFO(evaluated.out << evaluated.err);
  CHECK(evaluated.status == 0);
  CHECK(records(w.path("out"), "step_ended").empty());
  const Outcome apart = w.gptcore({"run", "tiny.toml", "--learning_rate", "3e-4"});
  CHECK(apart.status == 2);
  CHECK(apart.err.find("write --learning_rate=3e-4") != std::string::npos);
  CHECK(refusal(w.gptcore({"run", "tiny.toml", "--learning_rate"})) == "GC107");
  CHECK(w.gptcore({"run", "tiny.toml", "--lr=3"}).err.find("did you mean 'learning_rate'?") != std::string::npos);
}
