// Pipelines that measure and sample: what they print, and what a second run of them says.
#include <filesystem>

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
  CHECK(has(second.err, "stage 'evaluate' was done at step 0: " + loss + "; --overwrite does it again"));
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
  CHECK(lines_with(losses.out, "").size() == 1);

  write_measuring(w);
  const Outcome first = w.gptcore({"run", "measure.toml", "--quiet", "--run.out_dir=measured"});
  INFO(first.err);
  CHECK(first.err.empty());
  CHECK(has(first.out, "val loss "));
  CHECK(has(first.out, "--- sample\nthe "));
  CHECK_FALSE(has(first.out, "run tiny"));
  CHECK_FALSE(has(first.out, "done in"));
  const Outcome second = w.gptcore({"run", "measure.toml", "--quiet", "--run.out_dir=measured"});
  CHECK(second.err.empty());
  CHECK(has(second.out, "val loss "));
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
