// `gptcore plugins info`: the forms that are documents, and what it refuses.
#include <cstdlib>
#include <stdexcept>

#include "tests/cli/process.h"

#include "tests/catch.h"

using namespace gptcore::test;

namespace {

const std::string kRich = "tests/sdk/rich.so";

// In the build folder.
Outcome plugins_info(std::vector<std::string> words) {
  const char* build = std::getenv("GPTCORE_BUILD");
  if (!build) throw std::runtime_error("GPTCORE_BUILD is not set");
  words.insert(words.begin(), {std::string(build) + "/bin/gptcore", "plugins", "info"});
  return run({words, build, {}, 60});
}

}  // namespace

TEST_CASE("plugins info --markdown prints a table with every parameter, and bars do not end its cells") {
  const Outcome outcome = plugins_info({"./" + kRich, "--markdown"});
  CHECK(outcome.status == 0);
  CHECK(outcome.err.empty());
  CHECK(outcome.out ==
        "## evaluator/rich\n"
        "has parameters\n\n"
        "| key | type | default | range | meaning |\n"
        "|---|---|---|---|---|\n"
        "| `shots` | integer (examples) | `5` | 0..64 | how many |\n"
        "| `mode` | string | `\"a\\|b\"` | one of these | this \\| that<br>`\"a\\|b\"`: one of both<br>`\"plain\"` |\n"
        "| `file` | path | required |  | where it is |\n"
        "| `limit` | float | not set | >0 | stops there |\n"
        "\n"
        "## evaluator/bare\n"
        "has none\n\n"
        "No parameters.\n");
}

TEST_CASE("plugins info --all has every item, by kind and name") {
  const Outcome outcome = plugins_info({"--all", "--markdown"});
  CHECK(outcome.status == 0);
  size_t at = 0;
  for (const char* item : {"tokenizer/byte", "tokenizer/char", "dataset/text", "dataset/token_bin", "model/gpt",
                           "logger/console", "logger/jsonl"}) {
    INFO(item);
    const size_t found = outcome.out.find("## " + std::string(item) + "\n", at);
    REQUIRE(found != std::string::npos);
    at = found;
  }
  CHECK(plugins_info({"--all", "--json"}).out.find("\"name\": \"token_bin\"") != std::string::npos);
}

TEST_CASE("plugins info expects one item or all of them, and one form") {
  struct Bad {
    std::vector<std::string> words;
    const char* why;
  };
  const std::vector<Bad> all = {
      {{}, "expects an item"},
      {{"--markdown"}, "expects an item"},
      {{"byte", "--all"}, "--all and the item 'byte' are both given"},
      {{"byte", "--json", "--markdown"}, "--json and --markdown are both given"},
      {{"byte", "--markdown", "--toml"}, "--toml and --markdown are both given"},
  };
  for (const Bad& bad : all) {
    const Outcome outcome = plugins_info(bad.words);
    INFO(outcome.out << outcome.err);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(bad.why) != std::string::npos);
  }
}
