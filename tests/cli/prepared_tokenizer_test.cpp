// A folder of gptcore prepare is read with the tokenizer that it was prepared with, whatever its format.
#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
using Catch::Contains;

namespace {

constexpr const char* kRest = R"([run]
device = "cpu"
threads = 1
[model]
n_layer = 1
n_head = 1
n_embd = 8
block_size = 8
vocab_size = 300
[[stage]]
kind = "train"
max_iters = 2
batch_size = 2
eval_iters = 1
)";

struct Prepared : Workspace {
  // Prepares tiny.toml's text; --tokenizer.use= and more are given as words.
  void prepare(const std::string& to, const std::string& format, const std::string& tokenizer) const {
    const Outcome made = gptcore({"prepare", "tiny.toml", "--out", to, "--format", format, "--tokenizer.use=" + tokenizer});
    INFO(made.err);
    REQUIRE(made.status == 0);
  }
  Outcome train(const std::string& verb, const std::string& tokenizer, const std::string& dataset) const {
    write("train.toml",
          (tokenizer.empty() ? "" : "[tokenizer]\nuse = \"" + tokenizer + "\"\n") + "[dataset]\n" + dataset + "\n" + kRest);
    if (verb == "check") return gptcore({"config", "check", "train.toml"});
    return gptcore({"run", "train.toml", "--overwrite"});
  }
};

struct Reading {
  const char *format, *dataset;
};
constexpr Reading kReadings[] = {
    {"nanogpt", "use = \"token_bin\"\npath = \"data\""},
    {"nanogpt", "use = \"token_bin\"\ntrain = [\"data/train.bin\"]"},
    {"llmc", "use = \"token_bin\"\npath = \"data\""},
    {"npy", "use = \"npy_shards\"\npath = \"data\""},
    {"npy", "use = \"npy_shards\"\ntrain = [\"data/train_000000.npy\"]\nval = [\"data/val_000000.npy\"]"},
    {"npy", "use = \"mixture\"\n[[dataset.source]]\nuse = \"npy_shards\"\npath = \"data\""},
};

}  // namespace

TEST_CASE("token files of prepare are refused with another tokenizer, by config check too") {
  for (const Reading& r : kReadings) {
    const Prepared w;
    w.prepare("data", r.format, "char");
    for (const char* verb : {"check", "run"}) {
      const Outcome refused = w.train(verb, "byte", r.dataset);
      CAPTURE(r.dataset, verb, refused.out, refused.err);
      CHECK(refusal(refused) == "GC106");
      CHECK_THAT(refused.err, Contains("was prepared with another tokenizer than [tokenizer] names"));
    }
  }
}

TEST_CASE("token files of prepare bring the learned tokenizer along, or go without one") {
  for (const Reading& r : kReadings) {
    const Prepared w;
    w.prepare("data", r.format, "char");
    for (const char* tokenizer : {"char", ""}) {
      const Outcome run = w.train("run", tokenizer, r.dataset);
      CAPTURE(r.dataset, tokenizer, run.out, run.err);
      CHECK(run.status == 0);
    }
  }
}

TEST_CASE("a validation file of another folder is held to the tokenizer, too") {
  const Prepared w;
  w.prepare("data", "nanogpt", "byte");
  w.prepare("other", "nanogpt", "char");
  const std::string dataset = "use = \"token_bin\"\ntrain = [\"data/train.bin\"]\nval = [\"";
  CHECK(w.train("run", "byte", dataset + "data/val.bin\"]").status == 0);
  CHECK(refusal(w.train("run", "byte", dataset + "other/val.bin\"]")) == "GC106");
  // A manifest says nothing of files that it does not list.
  w.write("other/mine.bin", read(w.path("data/val.bin")));
  const Outcome foreign = w.train("run", "byte", dataset + "other/mine.bin\"]");
  INFO(foreign.err);
  CHECK(foreign.status == 0);
}

TEST_CASE("files that were prepared without a tokenizer are read with any") {
  const Prepared w;
  w.prepare("ids", "nanogpt", "byte");
  w.write("again.toml", "[dataset]\nuse = \"token_bin\"\npath = \"ids\"\n" + std::string(kRest));
  for (const Reading& r : {Reading{"gptcore", "use = \"prepared\"\npath = \"data\""},
                           Reading{"nanogpt", "use = \"token_bin\"\npath = \"data\""}}) {
    const std::string to = r.format;
    REQUIRE(w.gptcore({"prepare", "again.toml", "--out", to, "--format", r.format}).status == 0);
    std::string dataset = r.dataset;
    const Outcome run = w.train("run", "byte", dataset.replace(dataset.find("data"), 4, to));
    INFO(run.err);
    CHECK(run.status == 0);
  }
}
