// Every bad input is refused with its exit code and one line, and costs nothing that was there.
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

struct Bad {
  const char* what;
  std::vector<std::string> words;
  int status;
  const char* code;
};

std::vector<std::string> set(const std::string& assignment) {
  return {"--set", assignment};
}

// Runs `words...` with a tmpfs mounted at out/ with these options, in a mount namespace of its own; needs to be root.
Outcome run_with_disk(const Workspace& w, const std::string& options, const std::vector<std::string>& words) {
  fs::create_directories(w.path("disk"));
  Command command = w.training(words);
  std::vector<std::string> wrapped = {"unshare", "-m", "sh", "-c", "mount -t tmpfs -o " + options + " none disk && exec \"$@\"",
                                      "-"};
  command.words.insert(command.words.begin(), wrapped.begin(), wrapped.end());
  return run(command);
}

bool can_mount(const Workspace& w) {
  fs::create_directories(w.path("disk"));
  return run({{"unshare", "-m", "sh", "-c", "mount -t tmpfs none disk"}, w.folder(), {}, 60}).status == 0;
}

}  // namespace

TEST_CASE("mistakes in the pipeline are refused before a folder is made") {
  const Workspace w;
  const std::vector<Bad> all = {
      {"wrong type", set("model.n_layer=\"three\""), 2, "GC103"},
      {"out of range", set("model.dropout=1.5"), 2, "GC104"},
      {"unknown item", set("tokenizer.use=\"chr\""), 2, "GC101"},
      {"n_embd not divisible by n_head", set("model.n_head=3"), 2, "GC106"},
      {"unknown key", set("model.n_layers=3"), 2, "GC107"},
      {"missing pipeline file", {"--set", "run.seed=1"}, 2, "GC109"},
      {"missing plugin file", {"--plugin", "./nowhere.so"}, 3, "GC200"},
      {"plugin file that is none", {"--plugin", "./input.txt"}, 3, "GC205"},
  };
  for (const Bad& bad : all) {
    const bool no_file = std::string(bad.code) == "GC109";
    Command command = w.training(bad.words);
    if (no_file) command.words[2] = "nowhere.toml";
    const Outcome outcome = run(command);
    INFO(bad.what << "\n" << outcome.out << outcome.err);
    CHECK(refusal(outcome) == bad.code);
    CHECK(outcome.status == bad.status);
    CHECK_FALSE(fs::exists(w.path("out")));
  }
}

TEST_CASE("words that a command line has too many of are named, with what to write") {
  const Workspace w;
  const auto [words, hint] = GENERATE(table<std::vector<std::string>, std::string>({
      {{"--lr", "1e-3"}, "--lr 1e-3: error[GC107]: no key 'lr'; write --learning_rate=1e-3"},
      {{"--learning-rate", "1e-3"}, "a key and its value are one word; write --learning_rate=1e-3"},
      {{"--eval_only", "True", "--lr", "1e-3"}, "write --learning_rate=1e-3"},
      {{"--set", "train.beta2", ".99"},
       "--set train.beta2 .99: error[GC107]: a key and its value are one word; write --train.beta2=.99"},
      {{"-lr", "1e-3"}, "error[GC001]: no option '-lr'; a key has two hyphens, --KEY=VALUE"},
      {{"max_iters=5"}, "'max_iters=5' is one argument too many; write --max_iters=5"},
      {{"config/train_shakespeare_char.py"}, "give each of its keys as --KEY=VALUE, or write them into the pipeline file"},
      {{"--eval_only", "b.toml"}, "'b.toml' is one argument too many; --help shows the form"},
  }));
  const Outcome outcome = w.train(words);
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 2);
  CHECK(outcome.err.find(hint) != std::string::npos);
  CHECK_FALSE(fs::exists(w.path("out")));
}

TEST_CASE("an option without a name or a value is refused with what to write") {
  const Workspace w;
  const auto [words, hint] = GENERATE(table<std::vector<std::string>, std::string>({
      {{"run", "tiny.toml", "--=3"}, "error[GC001]: '--=3' names no option; write --NAME=VALUE"},
      {{"config", "check", "tiny.toml", "--=3"}, "error[GC001]: '--=3' names no option; write --NAME=VALUE"},
      {{"inspect", "tiny.toml", "--=3"}, "error[GC001]: '--=3' names no option; write --NAME=VALUE"},
      {{"run", "tiny.toml", "--resume="}, "error[GC001]: '--resume=' has no value; write --resume=VALUE"},
      {{"run", "tiny.toml", "--set="}, "an override expects KEY=VALUE"},
      {{"sample", "out", "--prompt="}, "error[GC001]: '--prompt=' has no value; write --prompt=VALUE"},
      {{"sample", "out", "--stop="}, "error[GC001]: '--stop=' has no value; write --stop=VALUE"},
  }));
  const Outcome outcome = w.gptcore(words);
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 2);
  CHECK(outcome.err.find(hint) != std::string::npos);
}

TEST_CASE("an option's value of another type or range is refused with what is wanted and how to write it") {
  const Workspace w;
  REQUIRE(w.gptcore({"prepare", "tiny.toml", "--out", "tokens"}).status == 0);
  const auto [words, says] = GENERATE(table<std::vector<std::string>, std::string>({
      {{"sample", "out", "--seed", "abc"},
       "error[GC103]: '--seed' expects an integer, got string \"abc\"; write it as --seed=1000"},
      {{"sample", "out", "--seed", "1.5"}, "error[GC103]: '--seed' expects an integer, got float 1.5"},
      {{"sample", "out", "--temperature=hot"}, "error[GC103]: '--temperature' expects a float, got string \"hot\""},
      {{"sample", "out", "--json=3"}, "error[GC103]: '--json' expects a boolean, got integer 3; write --json alone"},
      {{"sample", "out", "--seed"}, "error[GC001]: '--seed' has no value; write --seed=VALUE"},
      {{"sample", "out", "--prompt", "--json"}, "error[GC001]: '--prompt' has no value; write --prompt=VALUE"},
      {{"sample", "out", "--seed=1", "--seed=2"}, "error[GC001]: '--seed' is given more than once; leave one of them out"},
      {{"sample", "out", "--compile"}, "leave it out"},
      {{"sample", "out", "--num-samples", "0"}, "error[GC104]: '--num-samples' expects "},
      {{"--plugin=", "plugins", "list"}, "error[GC001]: '--plugin=' has no value; write --plugin=VALUE"},
      {{"run", "tiny.toml", "--run.threads=1025"}, "error[GC104]: 'threads' expects 0..1024, got 1025"},
      {{"bench", "char", "--threads", "5000"}, "error[GC104]: '--threads' expects 0..1024, got 5000"},
      {{"bench", "char", "--steps", "-1"}, "error[GC104]: '--steps' expects >=0, got -1"},
      {{"prepare", "tiny.toml", "--tokens-per-shard", "0"}, "error[GC104]: '--tokens-per-shard' expects 1.."},
      {{"data", "sample", "tokens", "--tokens", "0"}, "error[GC104]: '--tokens' expects >=1, got 0"},
      {{"data", "sample", "tokens", "--at=-1"}, "error[GC104]: '--at' expects >=0, got -1"},
      {{"data", "sample", "tokens", "--at", "1e9"}, "got 1000000000; there are "},
  }));
  const Outcome outcome = w.gptcore(words);
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 2);
  CHECK(outcome.err.find(says) != std::string::npos);
}

TEST_CASE("options of a verb take the spellings that keys of a pipeline take") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  REQUIRE(w.gptcore({"prepare", "tiny.toml", "--out", "tokens", "--tokens-per-shard=1e4", "--verify=False"}).status == 0);
  const auto printed = [&](const std::vector<std::string>& words) {
    const Outcome outcome = w.gptcore(words);
    INFO(outcome.err);
    CHECK(outcome.status == 0);
    return outcome.out;
  };
  CHECK(printed({"sample", "out", "--seed", "1e3", "--max_new_tokens=2e1", "--temperature=.9", "--compile=False",
                 "--json=False"}) ==
        printed({"sample", "out", "--seed=1000", "--max-new-tokens", "20", "--temperature", "0.9"}));
  CHECK(printed({"data", "sample", "tokens", "--at=1e1", "--tokens=1_0", "--json=True"}) ==
        printed({"data", "sample", "tokens", "--at", "10", "--tokens", "10", "--json"}));
}

TEST_CASE("nothing that a run opens is taken for a standard stream that is closed") {
  const Workspace w;
  const std::string words = program() + " run tiny.toml --max_iters=2 ";
  const Outcome outcome = run({{"sh", "-c", "exec " + words + "<&- >&-"}, w.folder(), {}, 60});
  INFO(outcome.err);
  CHECK(outcome.status == 9);
  CHECK(newest_checkpoint(w.path("out")).filename() == "step-000000002");
  CHECK(read(w.path("out/run.lock")).find("step") == std::string::npos);
  const Outcome mute = run({{"sh", "-c", "exec " + words + "--overwrite <&- >&- 2>&-"}, w.folder(), {}, 60});
  CHECK(mute.status == 9);
  CHECK(read(w.path("out/run.lock")).find("gptcore") == std::string::npos);
}

TEST_CASE("a standard output that cannot be written is told as such, whoever writes") {
  const Workspace w;
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string size(8, '\0');
  size[0] = static_cast<char>(header.size());
  w.write("a.safetensors", size + header + std::string(4, '\0'));
  const std::string to = GENERATE(">/dev/full", ">&-");
  const std::string words =
      GENERATE("inspect a.safetensors", "inspect a.safetensors --json", "config check tiny.toml", "--help");
  const Outcome outcome = run({{"sh", "-c", "exec " + program() + " " + words + " " + to}, w.folder(), {}, 60});
  INFO(words << " " << to << "\n" << outcome.err);
  CHECK(refusal(outcome) == "GC900");
}

TEST_CASE("what the engine finds is a JSON object a line when that is asked for") {
  const Workspace w;
  const Outcome outcome = w.train({"--set", "dataset.files=[\"nowhere.txt\"]", "--error-format", "json"});
  CHECK(outcome.status == 4);
  const auto error = nlohmann::json::parse(outcome.err);
  CHECK(error.at("code") == "GC300");
  CHECK(error.at("where").get<std::string>().find("tiny.toml:") != std::string::npos);
  CHECK(error.at("message").get<std::string>().find("nowhere.txt") != std::string::npos);
  CHECK(error.contains("hint"));
}

TEST_CASE("data that cannot be trained on is refused") {
  const Workspace w;
  w.write("empty.txt", "");
  w.write("short.txt", "too short");
  const std::vector<Bad> all = {
      {"missing", set("dataset.files=[\"nowhere.txt\"]"), 4, "GC300"},
      {"empty", set("dataset.files=[\"empty.txt\"]"), 4, "GC301"},
      {"shorter than block_size", set("dataset.files=[\"short.txt\"]"), 4, "GC302"},
  };
  for (const Bad& bad : all) {
    const Outcome outcome = w.train(bad.words);
    INFO(bad.what << "\n" << outcome.out << outcome.err);
    CHECK(refusal(outcome) == bad.code);
    CHECK(outcome.status == bad.status);
    CHECK_FALSE(fs::exists(w.path("out") / "ckpt"));
  }
}

TEST_CASE("a character that training never saw is refused at sampling") {
  const Workspace w;
  auto words = kShort;
  words.insert(words.end(), {"--set", "tokenizer.use=char"});
  REQUIRE(w.train(words).status == 0);
  const Outcome refused = w.gptcore({"sample", "out", "--prompt", "caf\xc3\xa9"});
  CHECK(refusal(refused) == "GC305");
  CHECK(refused.status == 4);
  CHECK(w.gptcore({"sample", "out", "--prompt", "the", "--max_new_tokens", "5"}).status == 0);
}

TEST_CASE("checkpoints that are missing, damaged or of another model are refused") {
  const Workspace w;
  CHECK(refusal(w.gptcore({"sample", "nowhere"})) == "GC500");
  REQUIRE(w.train(kShort).status == 0);
  const fs::path checkpoint = newest_checkpoint(w.path("out"));

  SECTION("another model") {
    auto words = kShort;
    words.insert(words.end(), {"--set", "model.n_embd=32"});
    const Outcome refused = w.train(words);
    CHECK(refusal(refused) == "GC502");
    CHECK(refused.status == 5);
    CHECK(newest_checkpoint(w.path("out")) == checkpoint);
  }
  SECTION("truncated") {
    fs::resize_file(checkpoint / "model.safetensors", 1000);
    for (const Outcome& refused : {w.gptcore({"sample", checkpoint.string()}),
                                   w.train({"--set", "run.out_dir=other", "--resume", checkpoint.string()})}) {
      CHECK(refusal(refused) == "GC501");
      CHECK(refused.status == 5);
    }
  }
  SECTION("all of them truncated") {
    for (const auto& entry : fs::directory_iterator(w.path("out") / "ckpt"))
      if (entry.is_directory()) fs::resize_file(entry.path() / "model.safetensors", 1000);
    const Outcome refused = w.train(kShort);
    CHECK(refusal(refused) == "GC501");
    CHECK(refused.status == 5);
  }
}

TEST_CASE("an evaluation of a split that the dataset does not have says what would do") {
  const Workspace w;
  const std::string before = read(w.path("tiny.toml"));
  w.write("tiny.toml", before + "\n[[stage]]\nkind = \"evaluate\"\n");
  std::vector<std::string> words = kShort;
  words.insert(words.end(), {"--set", "dataset.val_fraction=0"});
  const Outcome no_split = w.train(words);
  INFO(no_split.out << no_split.err);
  CHECK(refusal(no_split) == "GC301");
  CHECK(no_split.err.find("give the dataset data for it, or set splits = [\"train\"]") != std::string::npos);
}

TEST_CASE("an output folder that cannot be made is refused") {
  const Workspace w;
  const Outcome refused = w.train(set("run.out_dir=input.txt/out"));
  CHECK(refusal(refused) == "GC900");
  CHECK(refused.status == 9);
}

TEST_CASE("a read-only or full disk is refused and named") {
  const Workspace w;
  if (!can_mount(w)) {
    WARN("not tried: mounting needs root");
    return;
  }
  const Outcome read_only = run_with_disk(w, "ro", set("run.out_dir=disk/out"));
  CHECK(refusal(read_only) == "GC900");
  CHECK(read_only.status == 9);
  auto words = kShort;
  words.insert(words.end(), {"--set", "run.out_dir=disk/out"});
  const Outcome full = run_with_disk(w, "size=64k", words);
  CHECK(refusal(full) == "GC901");
  CHECK(full.status == 9);
}
