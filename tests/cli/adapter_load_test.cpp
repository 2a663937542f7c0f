// [[adapter]] load: adapters of another run, and files that are none.
#include <filesystem>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

// tiny.toml with LoRA on the attention of rank `rank`, its adapters loaded from `file` unless that is empty.
void adapt(const Workspace& w, int rank, const std::string& file) {
  std::string text = read(w.path("tiny.toml"));
  text.insert(text.find("[[stage]]"),
              "[[adapter]]\nuse = \"lora\"\ntargets = [\"blocks.*.attn.qkv\"]\nrank = " + std::to_string(rank) +
                  "\nalpha = 8\n" + (file.empty() ? "" : "load = \"" + file + "\"\n") + "\n");
  w.write("adapted.toml", text);
}

Outcome train(const Workspace& w, const std::string& out) {
  std::vector<std::string> words = {"run", "adapted.toml", "--set", "run.out_dir=" + out};
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
