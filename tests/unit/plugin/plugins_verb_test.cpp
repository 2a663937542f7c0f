// gptcore plugins, run as a user runs it.
#include <nlohmann/json.hpp>

#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

Answer plugins(const std::string& arguments) {
  return run(PROGRAM " plugins " + arguments);
}

}  // namespace

TEST_CASE("plugins list --json names every item with its file") {
  const Answer answer = plugins("list --json --plugin " + fixture("rogue"));
  REQUIRE(answer.status == 0);
  std::vector<std::string> items;
  for (const json& item : json::parse(answer.text)) {
    items.push_back(item["kind"].get<std::string>() + "/" + item["name"].get<std::string>());
    CHECK(item["file"].get<std::string>().empty() == (item["plugin"] == "core"));
    CHECK(!item["doc"].get<std::string>().empty());
  }
  CHECK(items == std::vector<std::string>{"tokenizer/byte", "tokenizer/char", "tokenizer/rogue", "dataset/rogue",
                                          "dataset/text", "dataset/token_bin", "model/gpt", "logger/console", "logger/jsonl",
                                          "logger/rogue"});
}

TEST_CASE("plugins info tells type, default, range, choices, unit and doc of every parameter") {
  const Answer text = plugins("info tokenizer/rogue --plugin " + fixture("rogue"));
  REQUIRE(text.status == 0);
  CHECK_THAT(text.text, Contains("plugin rogue 1.2.3, SDK 0.1.0, LibTorch 2.") && Contains("sha256 ") &&
                            Contains("size   integer (tokens)  default 10") && Contains("1..100") &&
                            Contains("vocabulary size") && Contains("\"int\"  an int") && Contains("limit  integer") &&
                            Contains("not set"));
  const json item = json::parse(plugins("info tokenizer/rogue --json --plugin " + fixture("rogue")).text).at(0);
  CHECK(item["params"].size() == 6);
  CHECK(item["params"][0]["default"] == 10);
  CHECK(item["sha256"].get<std::string>().size() == 64);
}

TEST_CASE("plugins info finds an item by name, by kind and name, and by file") {
  CHECK(json::parse(plugins("info rogue --json --plugin " + fixture("rogue")).text).size() == 3);
  CHECK(json::parse(plugins("info dataset/rogue --json --plugin " + fixture("rogue")).text).size() == 1);
  CHECK(json::parse(plugins("info --json " + fixture("clash")).text).size() == 2);
  CHECK(json::parse(plugins("info gpt --json").text).at(0)["plugin"] == "core");
}

TEST_CASE("plugins info --toml is a table for a pipeline file") {
  const Answer answer = plugins("info token_bin --toml");
  CHECK_THAT(answer.text, Contains("[dataset]\nuse = \"token_bin\"\n") && Contains("# path =  # required\n") &&
                              Contains("\nvocab_size = 0\n"));
  CHECK_THAT(plugins("info jsonl --toml").text, Contains("[[logger]]\nuse = \"jsonl\"\n"));
}

TEST_CASE("a refused plugin is one line, and the others are still listed") {
  const Answer answer = plugins("list --plugin " + fixture("no_plugin"));
  CHECK(answer.status == 3);
  CHECK_THAT(answer.text, Contains(fixture("no_plugin") + ": error[GC201]: ") && Contains("token_bin"));
}

TEST_CASE("an item that nobody offers, and wrong arguments, exit with 2 and a hint") {
  CHECK_THAT(plugins("info tokenbin").text, Contains("error[GC101]") && Contains("did you mean 'token_bin'?"));
  CHECK_THAT(plugins("info dataset/char").text, Contains("did you mean"));
  for (const char* wrong :
       {"info none_of_these", "", "lst", "info", "list text", "list --toml", "info text --toml --json", "info text extra"}) {
    INFO(wrong);
    const Answer answer = plugins(wrong);
    CHECK(answer.status == 2);
    CHECK_THAT(answer.text, Contains("error[GC"));
  }
}
