// Runs whose model computes no numbers any more: what is left of them, and that every hint can be followed.
#include <algorithm>
#include <sstream>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

using Strings = std::vector<std::string>;

// Sound until update 100, then of NaN.
Outcome diverge(const Workspace& w) {
  const Strings longer = {"--train.max_iters=200", "--train.learning_rate=1e6", "--train.schedule=constant",
                          "--train.on_nonfinite=skip", "--train.max_skips=1000"};
  REQUIRE(w.train({"--train.max_iters=100", "--train.lr_decay_iters=200"}).status == 0);
  return w.train(longer);
}

std::string after(const std::string& text, const std::string& mark) {
  const size_t at = text.find(mark);
  REQUIRE(at != std::string::npos);
  return text.substr(at + mark.size(), text.find('\n', at) - at - mark.size());
}

Strings words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the hint of a run that has diverged goes on from its best checkpoint, whatever names the run") {
  const bool named = GENERATE(true, false);
  const Workspace w;
  if (named) {
    std::string text = read(w.path("tiny.toml"));
    text.erase(text.find("out_dir = \"out\"\n"), 16);
    w.write("tiny.toml", text);
  }
  const Outcome diverged = diverge(w);
  INFO(diverged.out << diverged.err);
  CHECK(diverged.status == 6);
  CHECK(refusal(diverged) == "GC600");
  CHECK_FALSE(has(diverged.out + diverged.err, "-nan"));
  Strings again = words(after(diverged.err, "give the same command with "));
  std::erase(again, "and");
  CHECK(again.front() == (named ? "--run.name=tiny-2" : "--run.out_dir=out-2"));
  CHECK(again.back() == (named ? "runs/tiny/ckpt/step-000000100" : "out/ckpt/step-000000100"));
  again.insert(again.end(), {"--train.max_iters=200", "--train.lr_decay_iters=200"});
  const Outcome mended = w.train(again);
  INFO(mended.out << mended.err);
  CHECK(mended.status == 0);
  CHECK(newest_checkpoint(w.path(named ? "runs/tiny-2" : "out-2")).filename() == "step-000000200");
}

TEST_CASE("the hint of a run that has diverged is one that a shell reads, with each option once") {
  const Workspace w;
  std::string text = read(w.path("tiny.toml"));
  text.replace(text.find("out_dir = \"out\""), 15, "out_dir = \"my out\"");
  w.write("tiny.toml", text);
  REQUIRE(has(diverge(w).err, "give the same command with --run.out_dir='my out-2' and --resume 'my out/ckpt/step-000000100'"));

  Strings again = {"--run.out_dir=my out-2", "--resume", "my out/ckpt/step-000000100", "--train.max_iters=200"};
  const Strings same = {"--train.learning_rate=1e6", "--train.schedule=constant", "--train.on_nonfinite=skip",
                        "--train.max_skips=1000"};
  again.insert(again.end(), same.begin(), same.end());
  const Outcome second = w.train(again);
  INFO(second.err);
  CHECK(refusal(second) == "GC600");
  CHECK(has(second.err,
            "with --run.out_dir='my out-2-2' and --resume 'my out-2/ckpt/step-000000100' in place of its --resume\n"));

  again[0] = "--run.out_dir=third";
  again[2] = "my out/ckpt/step-000000200";
  const Outcome third = w.train(again);
  INFO(third.err);
  CHECK(refusal(third) == "GC600");
  CHECK(has(third.err, "with --overwrite and --resume 'my out/ckpt/step-000000100' in place of its --resume\n"));
}

TEST_CASE("sample and export take a run's best checkpoint, and name one with numbers where one has none") {
  const Workspace w;
  REQUIRE(diverge(w).status == 6);
  const Strings few = {"--max-new-tokens", "4"};
  const auto sampled = [&](const std::string& from) {
    Strings all = {"sample", from};
    all.insert(all.end(), few.begin(), few.end());
    return w.gptcore(all);
  };
  const Outcome best = sampled("out");
  INFO(best.out << best.err);
  CHECK(best.status == 0);
  CHECK(has(best.err, "out/ckpt/step-000000100 is sampled, the best; the newest is of step 200"));
  const Outcome exported = w.gptcore({"export", "out", "--to", "hf"});
  CHECK(exported.status == 0);
  CHECK(has(exported.err, "out/ckpt/step-000000100 is exported, the best; the newest is of step 200"));
  CHECK_FALSE(has(w.gptcore({"export", "out/ckpt/step-000000100", "--to", "hf2"}).err, "is exported"));
  const Outcome newest = sampled("out/ckpt/step-000000200");
  INFO(newest.err);
  CHECK(refusal(newest) == "GC600");
  const std::string another = after(newest.err, "sample another checkpoint: ");
  CHECK(another == "out/ckpt/step-000000100");
  CHECK(sampled(another).status == 0);
}
