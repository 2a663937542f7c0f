// Text from models: tokenizers, prompts, what may be drawn, and what stops it.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

fs::path source() {
  return std::getenv("GPTCORE_SOURCE");
}

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Prompt and text of a sample, as one.
std::string shown(const Workspace& w, const std::vector<std::string>& words) {
  const Outcome o = w.gptcore(with({"sample"}, words));
  return o.status == 0 ? o.out : o.err;
}

}  // namespace

TEST_CASE("ids of a padded vocabulary are never drawn, by a stage or by the verb") {
  const Workspace w;
  const Outcome run = w.train(with(kShort, {"--set", "model.vocab_size=20000"}));
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  for (const char* seed : {"1", "2", "3"}) {
    const Outcome o = w.gptcore(
        {"sample", "out", "--seed", seed, "--json", "--temperature", "100", "--top-k", "0", "--max-new-tokens", "100"});
    INFO(o.err);
    REQUIRE(o.status == 0);
    for (const Json& id : Json::parse(o.out).at("tokens")) CHECK(id < 256);
  }
}

TEST_CASE("weights that are NaN end sampling with 6 and what can be done, not with an id") {
  const Workspace w;
  const fs::path hf = source() / "tests/parity/reference/hf_gpt2";
  fs::create_directories(w.path("hf"));
  fs::copy(hf / "config.json", w.path("hf/config.json"));
  std::string weights = read(hf / "model.safetensors");
  weights.replace(weights.size() - 4, 4, std::string("\0\0\xc0\x7f", 4));
  w.write("hf/model.safetensors", weights);
  REQUIRE(w.gptcore({"import", "hf", "--to", "runs/a", "--set", "tokenizer.use=byte"}).status == 0);
  for (const char* temperature : {"0", "1"}) {
    const Outcome o = w.gptcore({"sample", "runs/a", "--temperature", temperature, "--max-new-tokens", "3"});
    INFO(o.out << o.err);
    CHECK(o.status == 6);
    CHECK(refusal(o) == "GC600");
    CHECK(has(o.err, "runs/a/ckpt/step-000000000: error[GC600]: the model's logits are not finite: there is NaN"));
    CHECK_FALSE(has(o.err, "older checkpoint"));  // there is none
  }
}

TEST_CASE("a run without a tokenizer is sampled with one that is named, and any run with another") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  REQUIRE(w.gptcore({"export", "out", "--to", "hf"}).status == 0);
  for (const char* name : {"tokenizer.json", "vocab.json", "merges.txt"}) fs::remove(w.path("hf") / name);
  REQUIRE(w.gptcore({"import", "hf", "--to", "runs/bare"}).status == 0);
  const std::vector<std::string> few = {"--max-new-tokens", "8", "--prompt", "the"};
  const Outcome none = w.gptcore(with({"sample", "runs/bare"}, few));
  CHECK(refusal(none) == "GC105");
  CHECK(has(none.err, "--tokenizer"));
  const std::string own = shown(w, with({"out"}, few));
  CHECK(own.starts_with("the"));
  CHECK(shown(w, with({"runs/bare", "--tokenizer", "byte"}, few)) == own);
  CHECK(shown(w, with({"runs/bare", "--tokenizer", "out"}, few)) == own);
  CHECK(has(shown(w, with({"out", "--tokenizer", "char"}, few)), "learns its vocabulary from a dataset"));
  REQUIRE(w.gptcore({"import", (source() / "tests/parity/reference/hf_gpt2").string(), "--to", "runs/small"}).status == 0);
  CHECK(has(shown(w, with({"runs/small", "--tokenizer", "byte"}, few)), "has 256 tokens, and the model 61"));
}

TEST_CASE("a tokenizer that gives the model's tokens other numbers is told, and one that only adds some is not") {
  const Workspace w;
  std::vector<std::string> words = kShort;
  for (const char* word : {"tokenizer.use=bpe_train", "tokenizer.vocab_size=300", "model.vocab_size=320"})
    words.insert(words.end(), {"--set", word});
  REQUIRE(w.train(words).status == 0);
  words.insert(words.end(), {"--set", "tokenizer.chat_tokens=true", "--set", "run.out_dir=chat"});
  REQUIRE(w.train(words).status == 0);
  const auto told = [&](const std::string& tokenizer) {
    const Outcome o = w.gptcore({"sample", "out", "--tokenizer", tokenizer, "--max-new-tokens", "3"});
    INFO(o.out << o.err);
    CHECK(o.status == 0);
    return lines_with(o.err, "of --tokenizer: its texts are not what the model has learned");
  };
  REQUIRE(told("byte").size() == 1);
  CHECK(has(told("byte").front(), "warning: of the "));
  CHECK(told("out").empty());
  CHECK(told("chat").empty());
}

TEST_CASE("special tokens in a prompt are text, or with --allow-special their ids") {
  const Workspace w;
  std::vector<std::string> words = kShort;
  for (const char* word : {"tokenizer.use=bpe_train", "tokenizer.vocab_size=300", "tokenizer.chat_tokens=true"})
    words.insert(words.end(), {"--set", word});
  REQUIRE(w.train(words).status == 0);
  const std::vector<std::string> sample = {"out", "--prompt", "<|user_start|>the", "--max-new-tokens", "8", "--seed", "3"};
  const std::string text = shown(w, sample), special = shown(w, with(sample, {"--allow-special"}));
  CHECK(text.starts_with("<|user_start|>the"));
  CHECK(special.starts_with("<|user_start|>the"));
  CHECK(text != special);
  const Workspace bytes;
  REQUIRE(bytes.train(kShort).status == 0);
  const Outcome none = bytes.gptcore(with({"sample"}, with({"out"}, {"--allow-special"})));
  CHECK(refusal(none) == "GC001");
  CHECK(has(none.err, "tokenizer 'byte' has no special tokens"));
}

TEST_CASE("nanoGPT's names of sample's options work, or name what does") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  w.write("start.txt", "the day");
  const std::string own = shown(w, {"out", "--prompt", "the day", "--max-new-tokens", "8", "--seed", "3"});
  CHECK(shown(w, {"--init_from=resume", "--out_dir=out", "--start=FILE:start.txt", "--num_samples=1", "--max_new_tokens=8",
                  "--seed=3", "--device=cpu", "--top_k=200", "--temperature=0.8"}) == own);
  const auto refused = [&](const std::string& option) { return w.gptcore({"sample", "out", option}).err; };
  CHECK(has(refused("--init_from=gpt2-xl"), "gptcore import DIR"));
  CHECK(has(refused("--dtype=bfloat16"), "leave it out"));
  CHECK(has(refused("--compile=True"), "leave it out"));
  CHECK(has(refused("--out_dir=out"), "two folders"));
  CHECK(has(w.gptcore({"sample", "out", "--prompt", "a", "--start=b"}).err, "--prompt and --start"));
}

TEST_CASE("SentencePiece's texts are those of its own decoding") {
  const fs::path pipeline = source() / "../shared/faults/sentencepiece_sample.toml";
  if (!fs::exists(pipeline) || !fs::exists(fs::path(std::getenv("GPTCORE_BUILD")) / "lib/gptcore/plugins/sentencepiece.so")) {
    WARN("skipped: there is no " << pipeline << ", or no plugin sentencepiece");
    return;
  }
  const Workspace w;
  REQUIRE(w.gptcore({"run", pipeline.string()}).status == 0);
  const Outcome o = w.gptcore({"sample", "runs/sp", "--prompt", "The water", "--max-new-tokens", "60", "--json"});
  REQUIRE(o.status == 0);
  const Json sample = Json::parse(o.out);
  Json ids =
      Json::parse(w.gptcore({"tokenize", "--tokenizer", "runs/sp", w.write("p.txt", "The water").string(), "--json"}).out)
          .at("ids");
  for (const Json& id : sample.at("tokens")) ids.push_back(id);
  const Outcome text = w.gptcore({"tokenize", "--tokenizer", "runs/sp", "--decode", w.write("ids.txt", ids.dump()).string()});
  CHECK("The water" + sample.at("text").get<std::string>() == text.out);
  CHECK(std::count(text.out.begin(), text.out.end(), ' ') > 5);
  const Json pieces =
      Json::parse(w.gptcore({"tokenize", "--tokenizer", "runs/sp", w.path("p.txt").string(), "--json"}).out).at("tokens");
  std::string joined;
  for (const Json& piece : pieces) joined += piece.get<std::string>();
  CHECK(joined == "The water");
  CHECK(w.gptcore({"sample", "runs/sp", "--max-new-tokens", "5"}).status == 0);  // a newline is no token there
}

TEST_CASE("verbs whose reader has gone end quietly, as a process that SIGPIPE has killed") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  w.write("lines.jsonl", "{\"text\": \"a\"}\n");
  const std::string words = GENERATE("sample out --max-new-tokens 3", "sample out --json --num-samples 3 --max-new-tokens 3",
                                     "inspect out", "config show tiny.toml", "plugins list", "--help", "summary tiny.toml",
                                     "tokenize --tokenizer byte --jsonl lines.jsonl", "run tiny.toml");
  CAPTURE(words);
  // `true` has ended before anything is written.
  Command piped = w.command({});
  piped.words = {"sh", "-c", "{ sleep 0.2; '" + program() + "' " + words + "; echo status $? >&2; } | true"};
  const Outcome o = run(piped);
  CHECK(has(o.err, "status 141"));
  CHECK_FALSE(has(o.err, "error["));
}
