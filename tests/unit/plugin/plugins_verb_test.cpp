// gptcore plugins, run as a user runs it.
#include <algorithm>
#include <chrono>
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
    if (item["kind"] != "operation") items.push_back(item["kind"].get<std::string>() + "/" + item["name"].get<std::string>());
    CHECK(item["file"].get<std::string>().empty() == (item["plugin"] == "core"));
    CHECK(!item["doc"].get<std::string>().empty());
  }
  for (const char* optional :
       {"tokenizer/sentencepiece", "dataset/parquet", "dataset/parquet_chat"})  // built where their libraries are
    std::erase(items, optional);
  CHECK(items ==
        std::vector<std::string>{"tokenizer/bpe_train",      "tokenizer/byte",       "tokenizer/char", "tokenizer/gpt2",
                                 "tokenizer/rogue",          "dataset/chat_mixture", "dataset/jsonl",  "dataset/mixture",
                                 "dataset/npy_shards",       "dataset/prepared",     "dataset/rogue",  "dataset/text",
                                 "dataset/token_bin",        "dataset/vocab_remap",  "model/gpt",      "adapter/lora",
                                 "evaluator/model_analysis", "logger/console",       "logger/jsonl",   "logger/rogue"});
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
  const Answer answer = plugins("info vocab_remap --toml");
  CHECK_THAT(answer.text, Contains("[dataset]\nuse = \"vocab_remap\"\n") && Contains("# shrunken_vocab_size =  # required\n") &&
                              Contains("\nrare_token_id = 0\n"));
  CHECK_THAT(plugins("info logger/jsonl --toml").text, Contains("[[logger]]\nuse = \"jsonl\"\n"));
}

TEST_CASE("a refused plugin is one line, and the others are still listed") {
  const Answer answer = plugins("list --plugin " + fixture("no_plugin"));
  CHECK(answer.status == 3);
  CHECK_THAT(answer.text, Contains(fixture("no_plugin") + ": error[GC208]: ") && Contains("token_bin"));
}

TEST_CASE("--plugin without a verb shows the plugin and whether it would load") {
  const TempFolder cache;
  const Variable place("XDG_CACHE_HOME", cache.path.string());
  const Answer good = run(PROGRAM " --plugin " + fixture("rogue"));
  CHECK(good.status == 0);
  CHECK_THAT(good.text, Contains("tokenizer rogue: ") && Contains("dataset rogue: ") && Contains("logger rogue: ") &&
                            Contains(fixture("rogue") + ": would load\n"));
  const Answer bad = run(PROGRAM " --plugin " + fixture("init_throws"));
  CHECK(bad.status == 3);
  CHECK_THAT(bad.text, Contains(": error[GC221]: ") && !Contains("would load"));
  const Answer clash = run(PROGRAM " --plugin " + fixture("rogue") + " --plugin " + fixture("clash"));
  CHECK(clash.status == 3);
  CHECK_THAT(clash.text, Contains("fixture_rogue.so: would load\n") && Contains("fixture_clash.so: error[GC203]: "));
}

TEST_CASE("--plugin expects a slash, and --safe-mode no plugins of one's own") {
  const Answer bare = run(PROGRAM " --plugin libmine.so");
  CHECK(bare.status == 3);
  CHECK_THAT(bare.text, Contains("error[GC230]") && Contains("./libmine.so"));
  const auto refused = [](const std::string& arguments) {
    const Answer answer = run(PROGRAM + (" " + arguments));
    CHECK(answer.status == 2);
    return answer.text;
  };
  CHECK_THAT(refused("plugins list --safe-mode --plugin ./libmine.so"), Contains("--plugin ./libmine.so"));
  CHECK(plugins("list --safe-mode").status == 0);
  const Variable path("GPTCORE_PLUGIN_PATH", FIXTURES);
  CHECK_THAT(refused("plugins list --safe-mode"), Contains("GPTCORE_PLUGIN_PATH"));
}

TEST_CASE("a plugin that others may change is listed with --allow-insecure-plugins only") {
  const TempFolder folder;
  const std::string path = spoiled(folder, [](std::string&) {});
  std::filesystem::permissions(path, std::filesystem::perms::others_write, std::filesystem::perm_options::add);
  CHECK_THAT(plugins("list --plugin " + path).text, Contains("error[GC209]"));
  CHECK(plugins("list --allow-insecure-plugins --plugin " + path).status == 0);
}

TEST_CASE("plugins lock writes what was found, and info knows events and build id") {
  const TempFolder folder;
  const std::string to = (folder.path / "all.lock").string();
  REQUIRE(plugins("lock --to " + to + " --plugin " + fixture("rogue")).status == 0);
  CHECK_THAT(read_raw(to), Contains("name = \"rogue\"") && Contains("name = \"char\"") && Contains("version = \"1.2.3\""));
  const json logger = json::parse(plugins("info logger/rogue --json --plugin " + fixture("rogue")).text).at(0);
  CHECK(logger["events"].size() > 5);
  CHECK(logger["build_id"].get<std::string>().size() >= 16);
  CHECK(plugins("lock --to " + to + " --plugin " + fixture("no_plugin")).status == 3);
}

TEST_CASE("plugins info tells events and effects, and every kind's table is as a pipeline file has it") {
  const std::string file = " --plugin " + fixture("kinds");
  CHECK_THAT(plugins("info still" + file).text, Contains("events evaluation_ended\n") && Contains("effects freezes\n"));
  const json still = json::parse(plugins("info still --json" + file).text).at(0);
  CHECK(still["events"] == json{"evaluation_ended"});
  CHECK(still["effects"] == json{"freezes"});
  CHECK_THAT(plugins("info still --toml" + file).text,
             Contains("[[stage.operation]]\nuse = \"still\"\n# when = { every = 10 }"));
  CHECK_THAT(plugins("info blind --toml" + file).text,
             Contains("[[stage.evaluator]]\nuse = \"blind\"\n") && Contains("#   \"fast\": at one item\n#   \"slow\"\n"));
  CHECK_THAT(plugins("info empty --toml" + file).text,
             Contains("[[adapter]]\nuse = \"empty\"\n") && Contains("\ntargets = [\"blocks.*.attn.qkv\"]\n"));
}

TEST_CASE("run --locked refuses a pipeline whose plugins are not locked, or changed since") {
  const TempFolder folder;
  const std::string plugin = spoiled(folder, [](std::string&) {}), pipeline = (folder.path / "p.toml").string();
  write_raw(pipeline, "[plugins]\nload = [\"./spoiled.so\"]\n[dataset]\nuse = \"rogue\"\n[[stage]]\nkind = \"train\"\n");
  const auto locked_run = [&] { return run(PROGRAM " run --locked " + pipeline); };
  CHECK_THAT(locked_run().text, Contains((folder.path / "gptcore.lock").string() + ": error[GC233]"));
  REQUIRE(plugins("lock " + pipeline).status == 0);
  const std::string lock = read_raw(folder.path / "gptcore.lock");
  CHECK_THAT(lock, Contains("name = \"rogue\"") && !Contains("name = \"char\""));
  spoiled(folder, [](std::string& bytes) { bytes += "changed"; });
  const Answer changed = locked_run();
  CHECK(changed.status == 3);
  CHECK_THAT(changed.text, Contains("spoiled.so: error[GC234]: plugin 'rogue' is 1.2.3 with sha256 "));
}

TEST_CASE("a run with a plugin that crashes when it is loaded ends with its line, before LibTorch is loaded") {
  const TempFolder folder;
  const std::string pipeline = (folder.path / "p.toml").string();
  std::filesystem::copy_file(fixture("init_crashes"), folder.path / "crashes.so");
  write_raw(
      pipeline,
      "[plugins]\nload = [\"./crashes.so\"]\n[tokenizer]\nuse = \"byte\"\n[dataset]\nuse = \"text\"\nfiles = [\"p.toml\"]\n"
      "[[stage]]\nkind = \"train\"\n[[logger]]\nuse = \"broken\"\n");
  const Answer answer = run("exec env LD_DEBUG=files " PROGRAM " run " + pipeline);
  CHECK(answer.status == 3);
  CHECK_THAT(answer.text, Contains("crashes.so: error[GC222]: plugin 'broken' "));
  CHECK_THAT(answer.text, !Contains("libgptcore.so"));
}

TEST_CASE("50 plugins are listed at once, without LibTorch") {
  const TempFolder folder;
  const std::string whole = read_raw(fixture("many_00"));
  for (int i = 0; i < 50; ++i) {
    std::string bytes = whole;
    const std::string number = std::to_string(10 + i);
    for (const std::string name : {"many_", "item_"})
      for (size_t at = 0; (at = bytes.find(name + "00", at)) != std::string::npos; ++at) bytes.replace(at + 5, 2, number);
    write_raw(folder.path / ("libmany_" + number + ".so"), bytes);
  }
  const Variable path("GPTCORE_PLUGIN_PATH", folder.path.string());
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const Answer answer = plugins("list");
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    REQUIRE(answer.status == 0);
    REQUIRE_THAT(answer.text, Contains("item_10") && Contains("item_59"));
  }
  std::printf("plugins list with 50 plugins: %.1f ms (the shell included)\n", best * 1000);
  CHECK(best < 0.5);
  const Answer traced = run("LD_DEBUG=files " PROGRAM " plugins list");  // the dynamic loader names every library it opens
  CHECK_THAT(traced.text, Contains("libc.so") && !Contains("libtorch") && !Contains("libc10") && !Contains("libmany_10"));
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
