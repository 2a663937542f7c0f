// [[adapter]] load: adapters of another run, and files that are none.
#include <algorithm>
#include <filesystem>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

// tiny.toml with LoRA on the layers, of rank `rank`, its adapters loaded from `file` unless that is empty.
void adapt(const Workspace& w, int rank, const std::string& file, const std::string& layer = "blocks.*.attn.qkv") {
  std::string text = read(w.path("tiny.toml"));
  text.insert(text.find("[[stage]]"), "[[adapter]]\nuse = \"lora\"\ntargets = [\"" + layer +
                                          "\"]\nrank = " + std::to_string(rank) + "\nalpha = 8\n" +
                                          (file.empty() ? "" : "load = \"" + file + "\"\n") + "\n");
  w.write("adapted.toml", text);
}

Outcome train(const Workspace& w, const std::string& out, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = {"run", "adapted.toml", "--set", "run.out_dir=" + out};
  words.insert(words.end(), more.begin(), more.end());
  words.insert(words.end(), kShort.begin(), kShort.end());
  return w.gptcore(words);
}

}  // namespace

TEST_CASE("adapters of a run are loaded into another, and files that are none are refused by name") {
  const Workspace w;
  adapt(w, 4, "");
  const Outcome first = train(w, "first");
  INFO(first.out << first.err);
  REQUIRE(first.status == 0);
  const fs::path file = newest_checkpoint(w.path("first")) / "adapters.safetensors";
  const std::string whole = read(file);
  w.write("good.safetensors", whole);
  adapt(w, 4, "good.safetensors");
  const Outcome second = train(w, "second");
  INFO(second.out << second.err);
  CHECK(second.status == 0);

  const auto refused = [&](int rank, const std::string& name, const std::string& part) {
    adapt(w, rank, name);
    const Outcome outcome = train(w, "refused");
    INFO(outcome.out << outcome.err);
    CHECK(outcome.status != 0);
    CHECK(outcome.status < 128);
    CHECK(outcome.err.find(name) != std::string::npos);
    CHECK(outcome.err.find(part) != std::string::npos);
    CHECK_FALSE(fs::exists(w.path("refused") / "ckpt"));
  };
  refused(4, "none.safetensors", "error[GC");
  w.write("cut.safetensors", whole.substr(0, whole.size() - 10));
  refused(4, "cut.safetensors", "error[GC501]");
  w.write("text.safetensors", "not adapters");
  refused(4, "text.safetensors", "error[GC501]");
  fs::copy_file(newest_checkpoint(w.path("first")) / "model.safetensors", w.path("model.safetensors"));
  refused(4, "model.safetensors", "holds no adapters");
  refused(2, "good.safetensors", "rank");
}

TEST_CASE("an embedding's adapters are refused by a run that has other tokens in its rows") {
  const Workspace w;
  std::string other = read(w.path("input.txt"));
  std::reverse(other.begin(), other.end());
  w.write("other.txt", other);
  const std::vector<std::string> learned = {"--set", "tokenizer.use=bpe_train", "--set", "tokenizer.vocab_size=300",
                                            "--set", "model.vocab_size=320"};
  adapt(w, 4, "", "wte");
  const Outcome first = train(w, "first", learned);
  INFO(first.out << first.err);
  REQUIRE(first.status == 0);
  fs::copy_file(newest_checkpoint(w.path("first")) / "adapters.safetensors", w.path("wte.safetensors"));

  adapt(w, 4, "wte.safetensors", "wte");
  const Outcome same = train(w, "same", learned);
  INFO(same.out << same.err);
  CHECK(same.status == 0);
  CHECK(same.err.find("by number") == std::string::npos);
  std::vector<std::string> reversed = learned;
  reversed.insert(reversed.end(), {"--set", "dataset.files=[\"other.txt\"]"});
  const Outcome refused = train(w, "refused", reversed);
  std::vector<std::string> check = {"config", "check", "adapted.toml"};
  check.insert(check.end(), reversed.begin(), reversed.end());
  for (const Outcome& outcome : {refused, w.gptcore(check)}) {
    INFO(outcome.out << outcome.err);
    CHECK(refusal(outcome) == "GC502");
    CHECK(outcome.err.find("wte.safetensors") != std::string::npos);
    CHECK(outcome.err.find("has rows of other tokens than this run's") != std::string::npos);
  }
  CHECK_FALSE(fs::exists(w.path("refused") / "ckpt"));
  check.resize(3);
  check.insert(check.end(), learned.begin(), learned.end());
  CHECK(w.gptcore(check).status == 0);
}
