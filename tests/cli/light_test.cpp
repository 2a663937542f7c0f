// Verbs that need no tensors: they answer at once, and mistakes are found before anything is made.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <regex>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

#ifdef __SANITIZE_ADDRESS__
constexpr double kSlower = 10;
#else
constexpr double kSlower = 1;
#endif

}  // namespace

TEST_CASE("--version and --help answer on standard output") {
  const Workspace w;
  const Outcome version = w.gptcore({"--version"});
  CHECK(version.status == 0);
  CHECK(std::regex_search(version.out, std::regex(R"(^gptcore \d+\.\d+\.\d+)")));
  const Outcome help = w.gptcore({"--help"});
  CHECK(help.status == 0);
  for (const char* verb : {"run", "sample", "summary", "inspect", "bench", "config", "plugins"}) {
    INFO(verb);
    CHECK(has(help.out, verb));
    CHECK(w.gptcore({verb, "--help"}).status == 0);
  }
}

TEST_CASE("a word that is no verb, and none at all, exit with 2") {
  const Workspace w;
  const Outcome unknown = w.gptcore({"rnu", "tiny.toml"});
  CHECK(unknown.status == 2);
  CHECK(refusal(unknown) == "GC001");
  CHECK(has(unknown.err, "rnu"));
  CHECK(w.gptcore({}).status == 2);
  CHECK(w.gptcore({"run", "tiny.toml", "--no-such-option"}).status == 2);
  CHECK(w.gptcore({"config", "check", "tiny.toml", "--safe-mode=false"}).status == 2);
}

TEST_CASE("plugins list names the built-in items") {
  const Workspace w;
  const Outcome list = w.gptcore({"plugins", "list"});
  CHECK(list.status == 0);
  for (const char* item : {"text", "token_bin", "char", "byte", "console", "jsonl", "gpt"}) {
    INFO(item);
    CHECK(has(list.out, item));
  }
  const Outcome info = w.gptcore({"plugins", "info", "token_bin"});
  CHECK(info.status == 0);
  CHECK(has(info.out, "vocab_size"));
}

TEST_CASE("plugins list takes at most 50 ms") {
  const Workspace w;
  double best = 1e9;
  for (int i = 0; i < 10; ++i) best = std::min(best, w.gptcore({"plugins", "list"}).seconds);
  CHECK(best * 1000 <= 50 * kSlower);
}

TEST_CASE("light verbs never load LibTorch") {
  const Workspace w;
  std::string large = read(w.path("tiny.toml"));
  large.replace(large.find("out_dir"), 0, "# ").replace(large.find("input.txt"), 9, "large.txt");
  w.write("large.toml", large.substr(0, large.find("[[stage]]\nkind = \"sample\"")));
  w.write("large.txt", "");
  fs::resize_file(w.path("large.txt"), uintmax_t{3} << 20);  // too much for config check to read
  for (const auto& words : std::vector<std::vector<std::string>>{{"--help"},
                                                                 {"plugins", "list"},
                                                                 {"plugins", "info", "text"},
                                                                 {"config", "check", "large.toml"},
                                                                 {"config", "show", "tiny.toml"}}) {
    INFO(words[0]);
    Command command = w.command(words);
    command.environment = {"LD_DEBUG=files"};  // the dynamic loader names every library it opens
    const Outcome outcome = run(command);
    CHECK(outcome.status == 0);
    CHECK(has(outcome.err, "libc.so"));
    CHECK_FALSE(has(outcome.err, "libtorch"));
    CHECK_FALSE(has(outcome.err, "libgptcore.so"));
  }
}

TEST_CASE(
    "config check finds nothing wrong with the pipelines that come with the project but data and weights that are not there") {
  const Workspace w;
  const char* source = std::getenv("GPTCORE_SOURCE");
  REQUIRE(source);
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(source) / "configs")) {
    if (entry.path().extension() != ".toml") continue;
    const Outcome check = w.gptcore({"config", "check", entry.path().string()});
    INFO(entry.path() << "\n" << check.err);
    CHECK(lines_with(check.err, "error[").size() ==
          lines_with(check.err, "error[GC300]").size() + lines_with(check.err, "error[GC500]").size());
    CHECK(w.gptcore({"config", "show", entry.path().string()}).status == 0);
    ++checked;
  }
  CHECK(checked >= 4);
}

TEST_CASE("five mistakes give five located errors at once and no folder") {
  const Workspace w;
  w.write("bad.toml",
          "[run]\n"
          "out_dir = \"out\"\n"
          "sed = 1\n"  // 3: unknown key
          "[tokenizer]\n"
          "use = \"bite\"\n"  // 5: unknown name
          "[dataset]\n"
          "use = \"text\"\n"
          "files = [\"input.txt\"]\n"
          "val_fraction = 1.5\n"  // 9: out of range
          "[model]\n"
          "n_layer = \"two\"\n"  // 11: wrong type
          "[[stage]]\n"
          "kind = \"train\"\n"
          "learning_rate = 1e-3\n"
          "min_lr = 1e-2\n");  // 15: above learning_rate
  for (const auto& words : std::vector<std::vector<std::string>>{{"config", "check", "bad.toml"}, {"run", "bad.toml"}}) {
    const Outcome outcome = w.gptcore(words);
    INFO(words[0] << "\n" << outcome.out << outcome.err);
    CHECK(outcome.status == 2);
    CHECK(lines_with(outcome.err, "error[GC").size() == 5);
    CHECK(lines_with(outcome.err, "bad.toml:3:1: error[GC102]").size() == 1);
    CHECK(has(outcome.err, "seed"));
    CHECK(lines_with(outcome.err, "bad.toml:5:").size() == 1);
    CHECK(has(outcome.err, "byte"));
    CHECK(lines_with(outcome.err, "bad.toml:9:").size() == 1);
    CHECK(lines_with(outcome.err, "bad.toml:11:").size() == 1);
    CHECK(lines_with(outcome.err, "bad.toml:15:").size() == 1);
    CHECK_FALSE(fs::exists(w.path("out")));
    CHECK_FALSE(fs::exists(w.path("runs")));
  }
}

TEST_CASE("config explain tells where a value comes from") {
  const Workspace w;
  const Outcome file = w.gptcore({"config", "explain", "tiny.toml", "train.learning_rate"});
  CHECK(file.status == 0);
  CHECK(has(file.out, "tiny.toml:"));
  const Outcome set = w.gptcore({"config", "explain", "tiny.toml", "train.learning_rate", "--set", "train.learning_rate=3e-2"});
  CHECK(has(set.out, "--set train.learning_rate=3e-2"));
  const Outcome bare = w.gptcore({"config", "explain", "tiny.toml", "train.learning_rate", "--learning_rate=3e-2"});
  CHECK(has(bare.out, "--learning_rate=3e-2"));
  const Outcome fallback = w.gptcore({"config", "explain", "tiny.toml", "train.beta1"});
  CHECK(has(fallback.out, "default"));
  CHECK(refusal(w.gptcore({"config", "explain", "tiny.toml", "train.learning_rat"})) == "GC102");
}

TEST_CASE("config show prints a pipeline that checks as the original does") {
  const Workspace w;
  const Outcome show = w.gptcore({"config", "show", "tiny.toml", "--set", "train.beta1=0.8"});
  CHECK(show.status == 0);
  CHECK(has(show.out, "beta1 = 0.8"));
  fs::create_directory(w.path("elsewhere"));
  w.write("elsewhere/shown.toml", show.out);
  const Outcome again = w.gptcore({"config", "show", "elsewhere/shown.toml"});
  CHECK(again.status == 0);
  CHECK(again.out == show.out);
}
