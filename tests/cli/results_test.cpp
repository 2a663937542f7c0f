// Pipelines that measure and sample: what they print, and what a second run of them says.
#include <csignal>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// tiny.toml with an evaluate stage in place of its train stage.
void write_measuring(const Workspace& w) {
  const std::string text = read(w.path("tiny.toml"));
  const size_t begin = text.find("[[stage]]"), end = text.find("[[stage]]", begin + 1);
  w.write("measure.toml", text.substr(0, begin) + "[[stage]]\nkind = \"evaluate\"\n\n" + text.substr(end));
}

}  // namespace

TEST_CASE("a second run of a pipeline that only measures tells the results, and how to measure again") {
  const Workspace w;
  write_measuring(w);
  const Outcome first = w.gptcore({"run", "measure.toml"});
  INFO(first.err);
  REQUIRE(first.status == 0);
  const std::string line = lines_with(first.out, "val loss ").at(0);
  const std::string loss = line.substr(line.find("val loss "), std::string("val loss 1.2345").size());
  const std::string metrics = read(w.path("out/metrics.jsonl"));

  const Outcome second = w.gptcore({"run", "measure.toml"});
  INFO(second.err);
  CHECK(second.status == 0);
  CHECK(has(second.err, "stage 'evaluate' was done at step 0: " + loss + " (whole split); --overwrite does it again"));
  CHECK(has(second.err, "stage 'sample' was done at step 0"));
  CHECK(read(w.path("out/metrics.jsonl")).starts_with(metrics));

  const Outcome again = w.gptcore({"run", "measure.toml", "--overwrite"});
  CHECK(again.status == 0);
  CHECK(has(again.out, loss));
}

TEST_CASE("--quiet leaves a pipeline that only measures its results, on standard output") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2"}).status == 0);
  const Outcome losses = w.train({"--eval_only", "--quiet"});
  INFO(losses.out << losses.err);
  CHECK(losses.status == 0);
  CHECK(losses.err.empty());
  CHECK(has(losses.out, "val loss "));
  CHECK(lines_with(losses.out, "loss").size() == 1);
  CHECK(has(losses.out, "--- sample\nthe "));  // as the run before it printed it

  write_measuring(w);
  const Outcome first = w.gptcore({"run", "measure.toml", "--quiet", "--run.out_dir=measured", "--model.init_from=ckpt:out"});
  INFO(first.err);
  CHECK(first.err.empty());
  CHECK(has(first.out, "val loss "));
  CHECK(has(first.out, "--- sample\nthe "));
  CHECK_FALSE(has(first.out, "run tiny"));
  CHECK_FALSE(has(first.out, "done in"));
  const Outcome second = w.gptcore({"run", "measure.toml", "--quiet", "--run.out_dir=measured", "--model.init_from=ckpt:out"});
  CHECK(second.err.empty());
  CHECK(second.out == first.out);
}

TEST_CASE("results stand only for the weights, data and keys that they are of") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2", "--run.out_dir=trained"}).status == 0);
  write_measuring(w);
  // What `words` print in a folder with results, and in one without.
  const auto both = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"run", "measure.toml", "--evaluate.eval_iters=2", "--quiet"});
    const Outcome here = w.gptcore(words);
    words.push_back("--run.out_dir=fresh");
    fs::remove_all(w.path("fresh"));
    const Outcome fresh = w.gptcore(words);
    INFO(here.err << fresh.err);
    CHECK(here.status == 0);
    CHECK(fresh.status == 0);
    return std::pair(here.out, fresh.out);
  };
  const std::string begin = both({}).first;
  for (const std::string change :
       {"--model.init_from=ckpt:trained", "--model.n_layer=1", "--model.block_size=8", "--run.seed=2",
        "--run.precision=bfloat16", "--tokenizer.use=char", "--evaluate.eval_iters=3", "--evaluate.batch_size=2",
        "--evaluate.splits=[\"train\"]", "--sample.prompt=a cat", "--sample.max_new_tokens=9"}) {
    both({});
    const auto [here, fresh] = both({change});
    INFO(change);
    CHECK(here == fresh);
    CHECK(here != begin);
  }

  both({});
  const std::string text = read(w.path("input.txt"));
  w.write("input.txt", text.substr(text.size() / 2) + text.substr(0, text.size() / 2));
  const auto [moved, moved_fresh] = both({});
  CHECK(moved == moved_fresh);
  CHECK(moved != begin);

  const std::string before = both({"--model.init_from=ckpt:trained"}).first;
  REQUIRE(w.train({"--train.max_iters=6", "--train.eval_interval=2", "--run.out_dir=trained"}).status == 0);
  const auto [longer, longer_fresh] = both({"--model.init_from=ckpt:trained"});
  CHECK(longer == longer_fresh);
  CHECK(longer != before);
}

TEST_CASE("a stage that is done again though its step has results says why") {
  const Workspace w;
  write_measuring(w);
  REQUIRE(w.gptcore({"run", "measure.toml", "--evaluate.eval_iters=2"}).status == 0);
  const Outcome again = w.gptcore({"run", "measure.toml", "--evaluate.eval_iters=3"});
  INFO(again.err);
  CHECK(has(again.err, "stage 'evaluate' was done at step 0 and is done again: evaluate.eval_iters: 2 -> 3"));
  CHECK(has(again.err, "stage 'sample' was done at step 0"));
  CHECK_FALSE(has(again.err, "stage 'sample' was done at step 0 and is done again"));
}

TEST_CASE("--overwrite is refused where only the run that it would move aside can be evaluated") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2"}).status == 0);
  const Outcome refused = w.train({"--eval_only", "--overwrite"});
  INFO(refused.err);
  CHECK(refusal(refused) == "GC106");
  CHECK(refused.err.starts_with("--eval_only"));
  CHECK(fs::exists(w.path("out/ckpt")));
  CHECK_FALSE(fs::exists(w.path("out.old-1")));
}

TEST_CASE("a run that only measured is neither written over nor lost") {
  const Workspace w;
  write_measuring(w);
  REQUIRE(w.gptcore({"run", "measure.toml"}).status == 0);
  const std::string metrics = read(w.path("out/metrics.jsonl"));
  CHECK(refusal(w.gptcore({"run", "measure.toml", "--resume", "never"})) == "GC503");
  CHECK(read(w.path("out/metrics.jsonl")) == metrics);
  CHECK(w.gptcore({"run", "measure.toml", "--overwrite"}).status == 0);
  CHECK(read(w.path("out.old-1/metrics.jsonl")) == metrics);
}

TEST_CASE("--overwrite is refused where it would move what people work with") {
  const Workspace w;
  write_measuring(w);
  fs::create_directory(w.path("text"));
  fs::copy_file(w.path("input.txt"), w.path("text/input.txt"));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--run.out_dir=."}, {"--run.out_dir=text", "--dataset.files=[\"text/input.txt\"]"}}) {
    std::vector<std::string> all{"run", "measure.toml"};
    all.insert(all.end(), words.begin(), words.end());
    const Outcome first = w.gptcore(all);
    INFO(first.out << first.err);
    REQUIRE(first.status == 0);
    CHECK_FALSE(has(first.out, "//"));
    all.push_back("--overwrite");
    CHECK(refusal(w.gptcore(all)) == "GC106");
    CHECK(fs::exists(w.path("input.txt")));
    CHECK(fs::exists(w.path("text/input.txt")));
  }
}

TEST_CASE("a pipeline that measures a checkpoint it was given says so in each run, and what random weights are") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2", "--run.out_dir=trained"}).status == 0);
  write_measuring(w);
  const Outcome given = w.gptcore({"run", "measure.toml", "--resume", "trained"});
  INFO(given.out << given.err);
  CHECK(given.status == 0);
  CHECK(has(given.err, "train is absent in this pipeline"));
  CHECK(lines_with(given.err, "resume: train").size() == 1);
  CHECK_FALSE(has(given.err, "weights are random"));
  CHECK(w.gptcore({"run", "measure.toml", "--resume", "trained"}).status == 0);
  CHECK(has(w.gptcore({"run", "measure.toml"}).err, "weights are random"));
}

TEST_CASE("a signal in a pipeline that measures a given checkpoint names a command that measures the same") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2", "--run.out_dir=trained"}).status == 0);
  write_measuring(w);
  Process process(w.command({"run", "measure.toml", "--resume", "trained", "--sample.max_new_tokens=1000000"}));
  process.wait_for("stage sample");
  process.send(SIGINT);
  const Outcome outcome = process.wait();
  INFO(outcome.err);
  CHECK(outcome.status == 130);
  CHECK(has(outcome.err, "the same command goes on from step 4"));
}
