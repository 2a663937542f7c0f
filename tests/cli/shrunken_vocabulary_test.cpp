// The recipe of a run that begins with a part of its tokenizer's vocabulary: --shrunken_vocab_size, resize_vocabulary, then
// disable_vocab_remapping. What the model calls a token and what the tokenizer calls it differ until the last of these.
#include <signal.h>

#include <cmath>

#include "tests/catch.h"
#include "tests/cli/token_rows.h"
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
  // A run that learns nothing, so that its rows are those it began with; its newest checkpoint.
  std::filesystem::path unlearned(const std::string& to, std::vector<std::string> words) const {
    words.insert(words.begin(), {"run", "tiny.toml", "--max_iters=20", "--eval_interval=10", "--learning_rate=0", "--min_lr=0",
                                 "--weight_decay=0", "--set", "run.out_dir=" + to});
    const Outcome outcome = gptcore(std::move(words));
    INFO(outcome.out << outcome.err);
    REQUIRE(outcome.status == 0);
    return newest_checkpoint(path(to));
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

TEST_CASE("a shrunken model is sampled by another tokenizer's ids, too") {
  const Shrunken w("");
  REQUIRE(gptcore::test::run(w.shrunken()).status == 0);
  const auto sampled = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"sample", "out", "--prompt", "the ", "--temperature", "0", "--max-new-tokens", "40"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome sample = w.gptcore(words);
    INFO(sample.err);
    CHECK(sample.status == 0);
    CHECK_FALSE(Contains("warning").match(sample.err));
    return sample.out;
  };
  CHECK(sampled({"--tokenizer", "byte"}) == sampled({}));
}

TEST_CASE("a tokenizer without the tokens of a shrunken model is refused as the wrong one") {
  const Shrunken w("");
  const Outcome run = gptcore::test::run(
      w.shrunken({"--set", "tokenizer.use=bpe_train", "--set", "tokenizer.vocab_size=400", "--max_iters=2"}));
  INFO(run.err);
  REQUIRE(run.status == 0);
  const Outcome sample = w.gptcore({"sample", "out", "--tokenizer", "byte"});
  CHECK(refusal(sample) == "GC106");
  CHECK_THAT(sample.err, Contains("and the tokenizer has 256 tokens; name the tokenizer that the model was trained with"));
}

TEST_CASE("a run is not resumed onto data that has other numbers for its tokens") {
  const Shrunken w("");
  w.unlearned("out", {"--shrunken_vocab_size=64", "--set", "model.vocab_size=256"});
  const std::string dataset = kDataset;
  std::string text = read(w.path("tiny.toml"));
  text.replace(text.find(dataset), dataset.size(), "use = \"text\"\nfiles = [\"input.txt\"]");
  w.write("tiny.toml", text);
  const std::string before = read(newest_checkpoint(w.path("out")) / "state.json");
  const Outcome outcome = w.gptcore({"run", "tiny.toml", "--max_iters=40", "--set", "model.vocab_size=256"});
  INFO(outcome.out << outcome.err);
  CHECK(refusal(outcome) == "GC502");
  CHECK_THAT(outcome.err, Contains("the checkpoint's tokens have other numbers than those the dataset shows") &&
                              Contains("model.init_from = \"ckpt:") && Contains("/out/ckpt/step-000000020\""));
  CHECK(read(newest_checkpoint(w.path("out")) / "state.json") == before);
}

TEST_CASE("the best model of a grown vocabulary is one that was trained with it") {
  const Shrunken w(R"(
  [[stage.operation]]
  use = "resize_vocabulary"
  value = [0, 0.01]
  when = { at_iter = 60 }

  [[stage.operation]]
  use = "disable_vocab_remapping"
  when = { at_iter = 60 }
)");
  const auto words = [](const std::string& out, const std::string& interval) {
    return std::vector<std::string>{"run",
                                    "tiny.toml",
                                    "--shrunken_vocab_size=4",
                                    "--rare_token_id=0",
                                    "--max_iters=200",
                                    "--eval_interval=" + interval,
                                    "--patience=3",
                                    "--always_save_checkpoint=false",
                                    "--set",
                                    "run.out_dir=" + out,
                                    "--set",
                                    "model.gelu=\"tanh\""};
  };
  const auto best_has_all_rows = [&](const std::string& run) {
    const Outcome outcome = w.gptcore({"export", run, "--to", run + "_hf"});
    CAPTURE(run, outcome.out, outcome.err);
    REQUIRE(outcome.status == 0);
    CHECK(nlohmann::json::parse(read(w.path(run + "_hf") / "config.json")).at("vocab_size") == 256);
    CHECK_FALSE(std::filesystem::exists(w.path(run + "_hf") / "vocabulary.json"));
  };
  const Outcome run = w.gptcore(words("whole", "20"));
  CAPTURE(run.out, run.err);
  REQUIRE(run.status == 0);
  CHECK(lines_with(run.err, "the vocabulary has changed, ").size() == 1);
  CHECK_FALSE(Contains("ended early").match(run.err));
  CHECK(newest_checkpoint(w.path("whole")).filename() == "step-000000200");
  best_has_all_rows("whole");
  // Ended before any evaluation of the grown model.
  Process process(w.command(words("cut", "50")));
  process.wait_for("iter 70");
  process.send(SIGTERM);
  CHECK(process.wait().status == 75);
  CHECK(newest_checkpoint(w.path("cut")).filename() < "step-000000100");
  best_has_all_rows("cut");
}

TEST_CASE("each token keeps its row when the vocabulary grows and the remapping ends") {
  for (const char* tied : {"true", "false"}) {
    const Shrunken w("");
    const std::string tie = std::string("model.tie_word_embeddings=") + tied;
    const auto small = w.unlearned("small", {"--shrunken_vocab_size=64", "--set", tie});
    w.add_to_train_stage(R"(
  [[stage.operation]]
  use = "resize_vocabulary"
  value = [10, 0.01]
  when = { at_iter = 12 }

  [[stage.operation]]
  use = "disable_vocab_remapping"
  when = { at_iter = 14 }
)");
    const auto grown = w.unlearned("grown", {"--shrunken_vocab_size=64", "--set", tie});
    CHECK_FALSE(std::filesystem::exists(grown / "vocabulary.json"));
    for (const char* table : {"wte.weight", "lm_head.weight"}) {
      if (table == std::string("lm_head.weight") && tied == std::string("true")) continue;
      const auto before = token_rows(small, table), after = token_rows(grown, table);
      CHECK(after.size() == 256);
      for (const auto& [token, row] : before) {
        CAPTURE(table, token);
        CHECK(after.at(token) == row);
      }
    }
    CHECK_THAT(read(w.path("grown/metrics.jsonl")), Contains("rows of the vocabulary move with their tokens"));
  }
}

TEST_CASE("init_from takes each token's row along, whatever number it has here and there") {
  for (const char* tied : {"true", "false"}) {
    const Shrunken w("");
    const std::string tie = std::string("model.tie_word_embeddings=") + tied;
    std::string text = read(w.path("tiny.toml"));
    w.write("remapped.toml", text);
    text.replace(text.find(kDataset), std::string(kDataset).size(), "use = \"text\"\nfiles = [\"input.txt\"]");
    w.write("whole.toml", text);
    const auto made = [&](const std::string& pipeline, const std::string& to, std::vector<std::string> words) {
      w.write("tiny.toml", read(w.path(pipeline)));
      return w.unlearned(to, std::move(words));
    };
    const auto small = made("remapped.toml", "small", {"--shrunken_vocab_size=64", "--set", tie, "--seed=5"});
    const auto full = made("whole.toml", "full", {"--set", tie, "--seed=6"});
    struct Case {
      const char *name, *pipeline, *size;
      std::filesystem::path from;
    };
    const Case cases[] = {{"shrunken to full", "whole.toml", "", small},
                          {"shrunken to a smaller one", "remapped.toml", "30", small},
                          {"shrunken to a larger one", "remapped.toml", "100", small},
                          {"shrunken to the same", "remapped.toml", "64", small},
                          {"full to shrunken", "remapped.toml", "64", full}};
    for (const Case& c : cases) {
      std::vector<std::string> words = {"--set", "model.init_from=ckpt:" + c.from.string()};
      if (*c.size) words.push_back(std::string("--shrunken_vocab_size=") + c.size);
      const auto to = made(c.pipeline, std::string("to ") + c.name, words);
      for (const char* table : {"wte.weight", "lm_head.weight"}) {
        if (table == std::string("lm_head.weight") && tied == std::string("true")) continue;
        const auto before = token_rows(c.from, table), after = token_rows(to, table);
        CAPTURE(c.name, tied, table);
        CHECK(after.size() == (*c.size ? std::stoul(c.size) : 256));
        size_t shared = 0;
        for (const auto& [token, row] : after) {
          const auto found = before.find(token);
          if (found == before.end()) continue;
          CAPTURE(token);
          CHECK(row == found->second);
          ++shared;
        }
        CHECK(shared >= std::min<size_t>(before.size(), 30));
      }
    }
  }
}

TEST_CASE("init_from takes a character's row along where the tokenizer was learned anew") {
  const Shrunken w("");
  std::string text = read(w.path("tiny.toml"));
  const std::string dataset = kDataset;
  text.replace(text.find(dataset), dataset.size(), "use = \"text\"\nfiles = [\"input.txt\"]");
  text.replace(text.find("\"byte\""), 6, "\"char\"");
  w.write("tiny.toml", text);
  const auto first = w.unlearned("first", {"--seed=3"});
  w.write("input.txt", "AB" + read(w.path("input.txt")));
  const auto second = w.unlearned("second", {"--set", "model.init_from=ckpt:" + w.path("first").string()});
  const auto letters = [](const std::filesystem::path& checkpoint) {
    return nlohmann::json::parse(read(checkpoint / "tokenizer.bin")).at("characters").get<std::vector<std::string>>();
  };
  const auto before = letters(first), after = letters(second);
  REQUIRE(after.size() == before.size() + 2);
  const auto old_rows = token_rows(first, "wte.weight"), new_rows = token_rows(second, "wte.weight");
  for (size_t i = 0; i < before.size(); ++i) {
    CAPTURE(before[i]);
    const auto found = std::find(after.begin(), after.end(), before[i]);
    CHECK(new_rows.at(static_cast<int>(found - after.begin())) == old_rows.at(static_cast<int>(i)));
  }
}

TEST_CASE("an exported shrunken model takes its numbers along, and is imported by the tokenizer's ids") {
  const Shrunken w("");
  REQUIRE(
      w.gptcore({"run", "tiny.toml", "--shrunken_vocab_size=64", "--max_iters=40", "--set", "model.gelu=\"tanh\""}).status ==
      0);
  for (const char* format : {"hf", "gguf", "llmc"}) {
    const Outcome out = w.gptcore({"export", "out", "--format", format, "--to", format});
    CAPTURE(format, out.out, out.err);
    REQUIRE(out.status == 0);
    CHECK_THAT(out.out, Contains("the model knows a part of the tokenizer's tokens, by numbers of its own"));
    CHECK_THAT(out.out, !Contains("there is no tokenizer.json"));
    CHECK(read(w.path(format) / "vocabulary.json") == read(newest_checkpoint(w.path("out")) / "vocabulary.json"));
  }
  const auto sampled = [&](const char* run) {
    const Outcome sample = w.gptcore({"sample", run, "--prompt", "the ", "--temperature", "0", "--max-new-tokens", "20"});
    INFO(sample.err);
    CHECK(sample.status == 0);
    return sample.out;
  };
  REQUIRE(w.gptcore({"import", "hf", "--to", "back", "--set", "tokenizer.use=byte"}).status == 0);
  CHECK(sampled("back") == sampled("out"));
  CHECK(w.strange(sampled("back")) == "");

  const std::string dataset = kDataset;
  std::string text = read(w.path("tiny.toml"));
  text.replace(text.find(dataset), dataset.size(), "use = \"text\"\nfiles = [\"input.txt\"]");
  w.write("tiny.toml", text);
  const auto whole = w.unlearned("whole", {"--set", "model.init_from=hf:" + w.path("hf").string()});
  const auto before = token_rows(newest_checkpoint(w.path("back")), "wte.weight"), after = token_rows(whole, "wte.weight");
  CHECK(after.size() == 256);
  for (const auto& [token, row] : before) {
    CAPTURE(token);
    CHECK(after.at(token) == row);
  }
}

TEST_CASE("remapping that ends before the model has grown is refused, by plan and config check too") {
  const Shrunken w("  [[stage.operation]]\n  use = \"disable_vocab_remapping\"\n  when = { at_iter = 20 }\n");
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"config", "check"}, {"plan"}, {"run"}}) {
    std::vector<std::string> words = verb;
    words.insert(words.end(), {"tiny.toml", "--shrunken_vocab_size=64"});
    const Outcome outcome = w.gptcore(words);
    CAPTURE(verb[0], outcome.out, outcome.err);
    CHECK(refusal(outcome) == "GC106");
    CHECK_THAT(outcome.err, Contains("the data would show 256 tokens, the model has 64") &&
                                Contains("let resize_vocabulary come before it"));
  }
}

TEST_CASE(
    "a mixture of sources with numbers of their own is refused, by config check too, and one may have numbers of its own") {
  const Workspace w;
  std::string text = read(w.path("tiny.toml"));
  const std::string before = "use = \"text\"\nfiles = [\"input.txt\"]";
  const std::string source = "use = \"text\"\nfiles = [\"input.txt\"]\n";
  std::string mixed = text, around = text;
  mixed.replace(
      mixed.find(before), before.size(),
      "use = \"mixture\"\n[[dataset.source]]\nuse = \"vocab_remap\"\nshrunken_vocab_size = 64\n[dataset.source.source]\n" +
          source);
  around.replace(
      around.find(before), before.size(),
      "use = \"vocab_remap\"\nshrunken_vocab_size = 64\n[dataset.source]\nuse = \"mixture\"\n[[dataset.source.source]]\n" +
          source);
  w.write("mixed.toml", mixed);
  w.write("around.toml", around);
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"config", "check"}, {"run"}}) {
    std::vector<std::string> words = verb;
    words.push_back("mixed.toml");
    const Outcome outcome = w.gptcore(words);
    CAPTURE(outcome.out, outcome.err);
    CHECK(refusal(outcome) == "GC106");
    CHECK_THAT(outcome.err, Contains("'vocab_remap' shows tokens by numbers of its own") && Contains("put it around"));
  }
  const Outcome run = w.gptcore({"run", "around.toml", "--max_iters=20", "--eval_interval=10"});
  CAPTURE(run.out, run.err);
  CHECK(run.status == 0);
}
