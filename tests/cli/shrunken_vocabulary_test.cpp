// The recipe of a run that begins with a part of its tokenizer's vocabulary: --shrunken_vocab_size, resize_vocabulary, then
// disable_vocab_remapping. What the model calls a token and what the tokenizer calls it differ until the last of these.
#include <signal.h>

#include <cmath>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;
using Catch::Contains;

namespace {

constexpr const char* kDataset = R"(use = "vocab_remap"
rare_token_id = 10

[dataset.source]
use = "text"
files = ["input.txt"])";

constexpr const char* kGrowth = R"(
  [[stage.operation]]
  use = "resize_vocabulary"
  value = [10, 0.01]
  when = { at_iter = 120 }

  [[stage.operation]]
  use = "disable_vocab_remapping"
  when = { at_iter = 140 }
)";

// tiny.toml with bytes shown by 64 numbers: no letter of the text has one of its own below 64.
struct Shrunken : Workspace {
  explicit Shrunken(const std::string& operations = kGrowth) {
    std::string text = read(path("tiny.toml"));
    const std::string before = "use = \"text\"\nfiles = [\"input.txt\"]";
    text.replace(text.find(before), before.size(), kDataset);
    write("tiny.toml", text);
    add_to_train_stage(operations);
  }
  Command shrunken(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"--shrunken_vocab_size=64", "--max_iters=200"});
    return training(more);
  }
  // The bytes of `text` that the data does not have.
  std::string strange(const std::string& text) const {
    const std::string known = read(path("input.txt"));
    std::string out;
    for (const char c : text)
      if (known.find(c) == known.npos) out += c;
    return out;
  }
};

}  // namespace

TEST_CASE("a run begins with a shrunken vocabulary, grows to the whole one, and is sampled by the tokenizer's ids") {
  const Shrunken w;
  const Outcome run = gptcore::test::run(w.shrunken());
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  CHECK_THAT(run.err, Contains("vocabulary of 64 of 256 tokens"));
  // Before anything is learned the loss is that of 64 numbers, not of 256.
  const double first = records(w.path("out"), "step_ended").front().at("loss").get<double>();
  CHECK(first == Approx(std::log(64.0)).margin(0.2));
  CHECK(records(w.path("out"), "model_edited").size() >= 2);
  CHECK_FALSE(std::filesystem::exists(newest_checkpoint(w.path("out")) / "vocabulary.json"));
  const Outcome sample = w.gptcore({"sample", "out", "--prompt", "the ", "--temperature", "0", "--max-new-tokens", "40"});
  INFO(sample.err);
  CHECK(sample.status == 0);
  CHECK(w.strange(sample.out) == "");
}

TEST_CASE("a run with a shrunken vocabulary, killed before, between and after its growth, ends byte-identical") {
  const Shrunken whole, broken;
  REQUIRE(run(whole.shrunken()).status == 0);
  for (const char* place : {"iter 60", "OPERATION_SUCCESS: name=resize_vocabulary", "iter 170"}) {
    Process process(broken.shrunken());
    process.wait_for(place);
    process.send(SIGKILL);
    CHECK(process.wait().status == 128 + SIGKILL);
  }
  const Outcome last = run(broken.shrunken());
  INFO(last.err);
  REQUIRE(last.status == 0);
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "dataset.bin"})
    CHECK((read(newest_checkpoint(whole.path("out")) / file) == read(newest_checkpoint(broken.path("out")) / file)));
}

TEST_CASE("a shrunken model is sampled by the tokenizer's ids while it is shrunken") {
  const Shrunken w("");
  const Outcome run = gptcore::test::run(w.shrunken());
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  const auto checkpoint = newest_checkpoint(w.path("out"));
  const auto vocabulary = nlohmann::json::parse(read(checkpoint / "vocabulary.json"));
  CHECK(vocabulary.at("ids").size() == 64);
  CHECK(vocabulary.at("rare_number") == 10);
  // The sample stage at the end of the run, and the verb.
  const auto texts = records(w.path("out"), "sampled");
  REQUIRE(texts.size() == 1);
  CHECK(w.strange(texts[0].at("text").get<std::string>()) == "");
  const Outcome sample =
      w.gptcore({"sample", "out", "--prompt", "the ", "--temperature", "0", "--max-new-tokens", "40", "--json"});
  INFO(sample.err);
  REQUIRE(sample.status == 0);
  const auto line = nlohmann::json::parse(sample.out);
  CHECK(w.strange(line.at("text").get<std::string>()) == "");
  for (const auto& token : line.at("tokens")) CHECK(token.get<int>() < 64);
  // Nothing names numbers that only this model knows as the tokenizer's.
  CHECK(refusal(w.gptcore({"prepare", "tiny.toml", "--shrunken_vocab_size=64", "--out", "prepared"})) == "GC106");
}

TEST_CASE("remapping that ends before the model has grown is refused, by plan too") {
  const Shrunken w("  [[stage.operation]]\n  use = \"disable_vocab_remapping\"\n  when = { at_iter = 20 }\n");
  for (const char* verb : {"plan", "run"}) {
    const Outcome outcome = w.gptcore({verb, "tiny.toml", "--shrunken_vocab_size=64"});
    CAPTURE(verb, outcome.out, outcome.err);
    CHECK(refusal(outcome) == "GC106");
    CHECK_THAT(outcome.err, Contains("the data would show 256 tokens, the model has 64") &&
                                Contains("let resize_vocabulary come before it"));
  }
}
