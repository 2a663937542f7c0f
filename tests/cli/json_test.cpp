// Output for programs: --json on every verb that prints facts, and --error-format json.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

// What a command prints with --json.
json printed(const Workspace& w, Words words) {
  words.emplace_back("--json");
  const Outcome outcome = w.gptcore(words);
  std::string command;
  for (const std::string& word : words) command += word + " ";
  INFO(command << "\n" << outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  REQUIRE(json::accept(outcome.out));
  return json::parse(outcome.out);
}

std::vector<json> objects_in(const std::string& lines) {
  std::vector<json> all;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    INFO(line);
    REQUIRE(json::accept(line));
    all.push_back(json::parse(line));
    CHECK(all.back().is_object());
    CHECK(all.back().contains("level"));
    CHECK(all.back().contains("message"));
  }
  return all;
}

}  // namespace

TEST_CASE("the facts about a pipeline are JSON for those who ask") {
  const Workspace w;
  CHECK(printed(w, {"config", "check", "tiny.toml"}) == json{{"file", "tiny.toml"}, {"ok", true}, {"errors", json::array()}});
  const json shown = printed(w, {"config", "show", "tiny.toml"});
  CHECK(shown.at("model").at("n_embd") == 16);
  CHECK(shown.at("stage").at(0).at("kind") == "train");
  const json explained = printed(w, {"config", "explain", "tiny.toml", "learning_rate"});
  CHECK(explained.at("keys").at(0).at("key") == "train.learning_rate");
  CHECK(explained.at("keys").at(0).at("value") == 1e-2);
  CHECK(explained.at("keys").at(0).at("parameter").at("type") == "number");
  CHECK(printed(w, {"plan", "tiny.toml"}).at("operations").empty());
  CHECK(printed(w, {"summary", "tiny.toml"}).at("total").is_number_integer());
}

TEST_CASE("config check --json gives the mistakes that standard error gives") {
  const Workspace w;
  const Outcome outcome = w.gptcore({"config", "check", "tiny.toml", "--set", "model.n_layr=2", "--json"});
  CHECK(outcome.status == 2);
  const json found = json::parse(outcome.out);
  CHECK(found.at("ok") == false);
  REQUIRE(found.at("errors").size() == 1);
  CHECK(found.at("errors").at(0).at("code") == refusal(outcome));
}

TEST_CASE("the facts about data are JSON for those who ask") {
  const Workspace w;
  const json made = printed(w, {"prepare", "tiny.toml", "--out", "tokens"});
  CHECK(fs::path(made.at("folder").get<std::string>()) == w.path("tokens"));
  CHECK(made.at("manifest").is_object());
  CHECK(printed(w, {"data", "info", "tokens"}).is_object());
  const json verified = printed(w, {"data", "verify", "tokens"});
  CHECK(verified.at("ok") == true);
  CHECK(verified.at("hashes") == true);
  CHECK(verified.at("largest_id") < 256);
  const json sample = printed(w, {"data", "sample", "tokens", "--at", "2", "--tokens", "5"});
  CHECK(sample.at("first") == 2);
  CHECK(sample.at("ids").size() == 5);
  CHECK(sample.at("text").get<std::string>().size() == 5);  // a byte a token
  CHECK(printed(w, {"tokenize", "--tokenizer", "byte", "input.txt"}).at("ids").is_array());
}

TEST_CASE("the facts about a trained model are JSON for those who ask") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  CHECK(printed(w, {"inspect", "out"}).at("step") == 20);
  CHECK(printed(w, {"sample", "out", "--max-new-tokens", "3"}).at("tokens").size() == 3);
  const json exported = printed(w, {"export", "out", "--to", "hf"});
  CHECK(exported.at("folder") == "hf");
  CHECK(fs::exists(w.path("hf") / exported.at("files").at(0).get<std::string>()));
  CHECK(exported.at("largest_logit_difference").get<double>() < 1e-3);
  const json imported = printed(w, {"import", "hf", "--to", "back"});
  CHECK(fs::exists(w.path(imported.at("checkpoint").get<std::string>())));
  CHECK(imported.at("parameters") > 0);
}

TEST_CASE("the facts about plugins are JSON for those who ask") {
  const Workspace w;
  CHECK(printed(w, {"plugins", "list"}).size() > 10);
  CHECK(printed(w, {"config", "keys"}).at("tables").at(0).at("parameters").size() > 3);
  CHECK(printed(w, {"plugins", "info", "byte"}).at(0).at("name") == "byte");
  const json locked = printed(w, {"plugins", "lock", "tiny.toml"});
  CHECK(fs::exists(w.path("gptcore.lock")));
  CHECK(locked.at("plugins").at(0).at("sha256").get<std::string>().size() == 64);
  const json made = printed(w, {"plugins", "new", "mine", "--kind", "logger"});
  CHECK(fs::exists(w.path(made.at("folder").get<std::string>()) / "mine.cpp"));
}

TEST_CASE("under --error-format json every line on standard error is an object with its level") {
  const Workspace w;
  w.write("broken.so", "no shared library");
  const auto said = [&](Words words) {
    words.insert(words.end(), {"--error-format", "json"});
    Command command = w.command(words);
    command.environment = {"GPTCORE_PLUGIN_PATH=" + w.folder().string()};
    return objects_in(run(command).err);
  };
  const auto one = said({"config", "check", "tiny.toml"});
  REQUIRE(one.size() == 1);
  CHECK(one[0].at("level") == "warning");
  CHECK(one[0].at("code") == "GC205");
  CHECK(one[0].at("where").get<std::string>().find("broken.so") != std::string::npos);

  CHECK(said({"plugins", "list"}).at(0).at("level") == "error");
  const auto wrong = said({"run", "tiny.toml", "--set", "model.n_layr=2"});
  CHECK(wrong.back().at("level") == "error");
  CHECK(wrong.back().at("code") == "GC107");
  CHECK(said({"run", "--no-such-option"}).back().at("code") == "GC001");

  // The engine's own: a loss that is never usual, and a run that goes on.
  const auto trained = said({"run", "tiny.toml", "--max_iters=200", "--on_spike=warn", "--spike_zscore=1"});
  CHECK(std::count_if(trained.begin(), trained.end(), [](const json& line) {
          return line.at("level") == "warning" && line.at("message").get<std::string>().find("loss spike") == 0;
        }) > 0);
  const auto resumed = said({"run", "tiny.toml", "--max_iters=201"});
  CHECK(std::count_if(resumed.begin(), resumed.end(), [](const json& line) { return line.at("level") == "info"; }) > 0);
}

TEST_CASE("under --error-format json a crash in a plugin is an object, too") {
  const Workspace w;
  w.add_to_train_stage("[[stage.operation]]\nuse = \"fails\"\nhow = \"crash\"\n");
  const std::string plugin = std::string(std::getenv("GPTCORE_BUILD")) + "/tests/cli/edits.so";
  const Outcome outcome = w.gptcore({"--error-format", "json", "--plugin", plugin, "run", "tiny.toml"});
  const auto said = objects_in(outcome.err);
  REQUIRE(!said.empty());
  CHECK(said.back().at("code") == "GC202");
  CHECK(said.back().at("message").get<std::string>().find("crashed (SIGSEGV) in plugin 'edits'") == 0);
}

TEST_CASE("LibTorch's warnings take the form of the program's own") {
  const Workspace w;
  w.add_to_train_stage("[[stage.operation]]\nuse = \"fails\"\nhow = \"warn\"\nwhen = { at_iter = 3 }\n");
  const std::string plugin = std::string(std::getenv("GPTCORE_BUILD")) + "/tests/cli/edits.so";
  const Words words = {"--plugin", plugin, "run", "tiny.toml", "--max_iters=5"};
  CHECK(lines_with(w.gptcore(words).err, "gptcore: warning: LibTorch: odd strides").size() == 1);
  const auto said = objects_in(w.gptcore({"--error-format=json", "--plugin", plugin, "run", "tiny.toml", "--max_iters=5",
                                          "--resume=never", "--overwrite"})
                                   .err);
  CHECK(std::count_if(said.begin(), said.end(),
                      [](const json& line) { return line.at("message") == "LibTorch: odd strides"; }) == 1);
}
