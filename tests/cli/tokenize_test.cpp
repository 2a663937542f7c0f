// gptcore tokenize: ids of text, text of ids, by name, by a vocabulary's folder and by a run's.
#include <filesystem>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// What the program answers; the test ends when it fails.
std::string said(const Workspace& w, std::vector<std::string> words) {
  words.insert(words.begin(), "tokenize");
  const Outcome outcome = w.gptcore(words);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  return outcome.out;
}

}  // namespace

TEST_CASE("tokenize prints ids, their number or an object, and turns ids into the same text") {
  const Workspace w;
  w.write("text", "ab\n€");
  CHECK(said(w, {"--tokenizer", "byte", "text"}) == "97 98 10 226 130 172\n");
  CHECK(said(w, {"--tokenizer=byte", "text", "--count"}) == "6\n");
  const auto object = json::parse(said(w, {"--tokenizer", "byte", "text", "--json"}));
  CHECK(object.at("count") == 6);
  CHECK(object.at("bytes") == 6);
  CHECK(object.at("ids") == json({97, 98, 10, 226, 130, 172}));
  CHECK(object.at("tokens").size() == 6);
  CHECK(object.at("tokens").at(0) == "a");

  for (const char* ids : {"97 98 10 226 130 172\n", "[97,98, 10,\n226,130,172]"}) {
    w.write("ids", ids);
    CHECK(said(w, {"--tokenizer", "byte", "--decode", "ids"}) == "ab\n€");
  }
}

TEST_CASE("tokenize reads standard input without a file") {
  const Workspace w;
  const Outcome piped = run({{"sh", "-c", "printf 'ab\\377' | '" + program() + "' tokenize --tokenizer byte"}, w.folder(), {}});
  CHECK(piped.out == "97 98 255\n");
  const Outcome dash = run({{"sh", "-c", "printf '' | '" + program() + "' tokenize - --tokenizer byte"}, w.folder(), {}});
  CHECK(dash.out == "\n");
}

TEST_CASE("tokenize --jsonl answers line by line, both ways") {
  const Workspace w;
  w.write("texts", "{\"text\": \"ab\"}\n{\"id\": 7, \"text\": \"\\u00e9\"}\n{\"text\": \"\"}\n");
  const std::string ids = said(w, {"--tokenizer", "byte", "--jsonl", "texts"});
  CHECK(ids == "{\"ids\":[97,98]}\n{\"ids\":[195,169]}\n{\"ids\":[]}\n");
  CHECK(said(w, {"--tokenizer", "byte", "--jsonl", "--count", "texts"}) == "{\"count\":2}\n{\"count\":2}\n{\"count\":0}\n");
  w.write("ids", ids);
  CHECK(said(w, {"--tokenizer", "byte", "--jsonl", "--decode", "ids"}) ==
        "{\"text\":\"ab\"}\n{\"text\":\"é\"}\n{\"text\":\"\"}\n");
}

TEST_CASE("tokenize finds the learned vocabulary of a run, of its checkpoint and of a tokenizer.json") {
  const Workspace w;
  auto words = kShort;
  words.insert(words.end(), {"--set", "tokenizer.use=bpe_train", "--set", "tokenizer.vocab_size=300", "--set",
                             "tokenizer.special_tokens=[\"<x>\"]"});
  const Outcome trained = w.train(words);
  INFO(trained.err);
  REQUIRE(trained.status == 0);
  const std::string text = read(w.path("input.txt"));
  const std::string ids = said(w, {"--tokenizer", "out", "input.txt"});
  CHECK(static_cast<size_t>(std::count(ids.begin(), ids.end(), ' ')) < text.size() * 3 / 4);
  w.write("ids", ids);
  CHECK(said(w, {"--tokenizer", "out", "--decode", "ids"}) == text);

  const fs::path checkpoint = newest_checkpoint(w.path("out"));
  CHECK(said(w, {"--tokenizer", checkpoint.string(), "input.txt"}) == ids);
  fs::create_directories(w.path("vocabulary"));
  fs::copy_file(checkpoint / "tokenizer.bin", w.path("vocabulary") / "tokenizer.json");
  CHECK(said(w, {"--tokenizer", "vocabulary", "input.txt"}) == ids);
  w.write("special", "<x>");
  CHECK(said(w, {"--tokenizer", "vocabulary", "special", "--set", "allowed_special=all", "--count"}) == "1\n");
  CHECK(said(w, {"--tokenizer", "vocabulary", "special", "--allowed_special=none", "--count"}) != "1\n");
}

TEST_CASE("tokenize says what is wrong with its arguments") {
  const Workspace w;
  w.write("text", "ab");
  const auto refused = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "tokenize");
    return w.gptcore(words);
  };
  CHECK(refusal(refused({"text"})) == "GC001");
  CHECK(refusal(refused({"--tokenizer", "byt", "text"})) == "GC101");
  CHECK(has(refused({"--tokenizer", "byt", "text"}).err, "'byte'"));
  CHECK(refusal(refused({"--tokenizer", "byte", "text", "--json", "--count"})) == "GC001");
  CHECK(refusal(refused({"--tokenizer", "gpt2", "text", "--set", "dirr=x"})) != "");
  CHECK(has(refused({"--tokenizer", "gpt2", "text", "--set", "dirr=x"}).err, "dir"));
  CHECK(refusal(refused({"--tokenizer", "gpt2", "text", "--set", "dir=none"})) == "GC300");
  CHECK(refusal(refused({"--tokenizer", "char", "text"})) == "GC001");  // it has learned nothing
  CHECK(refusal(refused({"--tokenizer", ".", "text"})) == "GC500");     // a folder without a run
}

TEST_CASE("tokenize says what is wrong with its input, and where") {
  const Workspace w;
  const auto refused = [&](const std::string& text, std::vector<std::string> words) {
    w.write("in", text);
    words.insert(words.begin(), {"tokenize", "--tokenizer", "byte", "in"});
    return w.gptcore(words);
  };
  CHECK(refusal(w.gptcore({"tokenize", "--tokenizer", "byte", "none"})) == "GC300");
  const Outcome ids = refused("97 x9", {"--decode"});
  CHECK(refusal(ids) == "GC303");
  CHECK(has(ids.err, "in: "));
  CHECK(has(ids.err, "byte 3"));
  CHECK(refusal(refused("97 256", {"--decode"})) == "GC304");
  CHECK(refusal(refused("99999999999", {"--decode"})) == "GC303");
  for (const char* line : {"", "{\"text\": 3}", "{\"text\": \"a\"", "{\"ids\": [1]}"}) {
    const Outcome bad = refused(std::string("{\"text\": \"a\"}\n") + line + "\n", {"--jsonl"});
    INFO(line);
    CHECK(refusal(bad) == "GC303");
    CHECK(has(bad.err, "in:2: "));
    CHECK(bad.out == "{\"ids\":[97]}\n");
  }
  CHECK(refusal(refused("{\"ids\": [4294967393]}\n", {"--jsonl", "--decode"})) == "GC303");  // 2^32 + 97
  const Outcome id = refused("{\"ids\": [97]}\n{\"ids\": [256]}\n", {"--jsonl", "--decode"});
  CHECK(refusal(id) == "GC304");
  CHECK(has(id.err, "in:2: "));
}
