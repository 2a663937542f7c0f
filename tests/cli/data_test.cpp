// gptcore prepare and gptcore data: what they write, print, and survive.
#include <csignal>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr const char* kCorpus = R"([tokenizer]
use = "byte"

[dataset]
use = "jsonl"
files = ["corpus.jsonl"]
val_fraction = 0.1
cache = "cache"
)";

// A corpus of some MB, and a pipeline that prepares it.
struct Corpus : Workspace {
  explicit Corpus(int documents = 20000) {
    std::string text;
    for (int i = 0; i < documents; ++i)
      text += "{\"text\": \"" + std::to_string(i) + std::string(static_cast<size_t>(i * 31 % 401), 'x') + "\"}\n";
    write("corpus.jsonl", text);
    write("corpus.toml", kCorpus);
  }
  Outcome prepare(std::vector<std::string> words) const {
    words.insert(words.begin(), {"prepare", "corpus.toml", "--tokens-per-shard", "200000"});
    return gptcore(words);
  }
  // Names and contents, without the lock.
  std::map<std::string, std::string> files(const std::string& name) const {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::directory_iterator(path(name)))
      if (entry.path().filename() != "lock") out[entry.path().filename()] = read(entry.path());
    return out;
  }
};

}  // namespace

TEST_CASE("prepare writes the same bytes with any number of threads") {
  const Corpus c;
  const Outcome one = c.prepare({"--out", "a", "--threads", "1"});
  INFO(one.err);
  REQUIRE(one.status == 0);
  CHECK(has(one.out, " train and "));
  CHECK(c.prepare({"--out", "b", "--threads", "3"}).status == 0);
  CHECK(c.files("a") == c.files("b"));
  CHECK(c.files("a").size() > 20);
}

TEST_CASE("prepare killed at any moment and run again writes the same bytes") {
  const Corpus c;
  REQUIRE(c.prepare({"--out", "whole"}).status == 0);
  for (const int milliseconds : {5, 40, 120}) {
    const std::string out = "killed" + std::to_string(milliseconds);
    Process process(c.command({"prepare", "corpus.toml", "--tokens-per-shard", "200000", "--out", out}));
    for (int i = 0; i < 3000 && !fs::exists(c.path(out) / "progress.json"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    process.send(SIGKILL);
    process.wait();
    const Outcome again = c.prepare({"--out", out});
    INFO(again.err);
    CHECK(again.status == 0);
    CHECK(c.files(out) == c.files("whole"));
  }
}

TEST_CASE("prepare that is asked to stop says how to go on, and does") {
  const Corpus c(200000);
  Process process(c.command({"prepare", "corpus.toml", "--tokens-per-shard", "200000", "--out", "a"}));
  for (int i = 0; i < 3000 && !fs::exists(c.path("a") / "train_000000.bin"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  process.send(SIGINT);
  const Outcome stopped = process.wait();
  CHECK(stopped.status == 130);
  CHECK(has(stopped.err, "goes on where it stood"));
  CHECK_FALSE(fs::exists(c.path("a") / "manifest.json"));
  CHECK(refusal(c.gptcore({"data", "info", "a"})) == "GC300");
  const Outcome rest = c.prepare({"--out", "a"});
  CHECK(rest.status == 0);
  CHECK(has(rest.err, "continuing after"));
  CHECK(c.gptcore({"data", "verify", "a"}).status == 0);
}

TEST_CASE("data says what a folder holds, and finds what is damaged in it") {
  const Corpus c(2000);
  REQUIRE(c.prepare({"--out", "a"}).status == 0);
  const Outcome info = c.gptcore({"data", "info", "a"});
  CHECK(info.status == 0);
  for (const char* part : {"train_000000.bin", "raw, uint16", "format gptcore, vocabulary 256", "documents"}) {
    INFO(part << "\n" << info.out);
    CHECK(has(info.out, part));
  }
  const auto json = nlohmann::json::parse(c.gptcore({"data", "info", "a", "--json"}).out);
  CHECK(json.at("train").at("documents").get<int>() + json.at("val").at("documents").get<int>() == 2000);
  const Outcome sample = c.gptcore({"data", "sample", "a", "--tokens", "6", "--at", "1"});
  INFO(sample.err);
  CHECK(sample.status == 0);
  CHECK(sample.out.size() == 7);
  CHECK(sample.out.find_first_not_of("0123456789x\n") == std::string::npos);
  CHECK(refusal(c.gptcore({"data", "sample", "a", "--at", "99999999"})) == "GC104");

  CHECK(c.gptcore({"data", "verify", "a"}).status == 0);
  std::string bytes = read(c.path("a") / "val_000000.bin");
  bytes[10] ^= 1;
  c.write("a/val_000000.bin", bytes);
  const Outcome damaged = c.gptcore({"data", "verify", "a"});
  CHECK(refusal(damaged) == "GC303");
  CHECK(damaged.status == 4);
  CHECK(has(damaged.err, "val_000000.bin"));
}

TEST_CASE("every format can be trained on") {
  const Corpus c(3000);
  struct Format {
    const char *name, *dataset;
  };
  for (const Format& f :
       std::vector<Format>{{"gptcore", "prepared"}, {"nanogpt", "token_bin"}, {"llmc", "token_bin"}, {"npy", "npy_shards"}}) {
    const std::string out = f.name;
    REQUIRE(c.prepare({"--out", out, "--format", out}).status == 0);
    std::string table = "[tokenizer]\nuse = \"byte\"\n[dataset]\nuse = \"" + std::string(f.dataset) + "\"\n";
    c.write("train.toml",
            table + "path = \"" + out + "\"\n" + "[run]\ndevice = \"cpu\"\nthreads = 1\nout_dir = \"run-" + out +
                "\"\n[model]\nn_layer = 1\nn_head = 1\nn_embd = 8\nblock_size = 8\n"
                "[[stage]]\nkind = \"train\"\nmax_iters = 3\nbatch_size = 2\neval_iters = 1\n[[logger]]\nuse = \"jsonl\"\n");
    const Outcome run = c.gptcore({"run", "train.toml"});
    INFO(out << run.err);
    CHECK(run.status == 0);
    CHECK(c.gptcore({"data", "verify", out}).status == 0);
  }
  // All of them saw the same tokens.
  const auto loss = [&](const std::string& format) {
    return records(c.path("run-" + format), "step_ended").back().at("loss").get<double>();
  };
  CHECK(loss("nanogpt") == loss("gptcore"));
  CHECK(loss("llmc") == loss("gptcore"));
  CHECK(loss("npy") == loss("gptcore"));
}

TEST_CASE("ids above 65,535 are what they were behind every format, without a key that says how wide they are") {
  const Workspace w;
  std::vector<uint32_t> ids;
  for (uint32_t i = 0; i < 2000; ++i) ids.push_back(i * 7919 % 100'000);
  fs::create_directory(w.path("ids"));
  w.write("ids/train.bin", {reinterpret_cast<const char*>(ids.data()), ids.size() * 4});
  const std::string rest =
      "[run]\ndevice = \"cpu\"\nthreads = 1\n[model]\nn_layer = 1\nn_head = 1\nn_embd = 4\nblock_size = 8\n"
      "[[stage]]\nkind = \"train\"\nmax_iters = 2\nbatch_size = 2\neval_iters = 1\n[[logger]]\nuse = \"jsonl\"\n";
  const auto loss = [&](const std::string& name, const std::string& dataset) {
    w.write(name + ".toml", "[dataset]\n" + dataset + rest);
    const Outcome run = w.gptcore({"run", name + ".toml", "--out_dir=run-" + name});
    INFO(run.err);
    REQUIRE(run.status == 0);
    return records(w.path("run-" + name), "step_ended").back().at("loss").get<double>();
  };
  const double expected = loss("ids", "use = \"token_bin\"\npath = \"ids\"\ndtype = \"uint32\"\nvocab_size = 100000\n");
  for (const char* format : {"nanogpt", "llmc", "npy"}) {
    const std::string name = format;
    REQUIRE(w.gptcore({"prepare", "ids.toml", "--out", name, "--format", name}).status == 0);
    const std::string use = name == "npy" ? "npy_shards" : "token_bin";
    CHECK(loss(name, "use = \"" + use + "\"\n" +
                         (name == "llmc" ? "train = [\"llmc/train_*.bin\"]\n" : "path = \"" + name + "\"\n")) == expected);
  }
  for (const char* path : {"nanogpt", "nanogpt/train.bin"}) CHECK(has(w.gptcore({"data", "info", path}).out, "raw, uint32"));
  const Outcome guessed = w.gptcore({"data", "info", "ids"});
  CHECK(refusal(guessed) == "GC303");
  CHECK(has(guessed.err, "--dtype=\"uint32\""));
}

TEST_CASE("a damaged shard is made again by what the dataset's error says") {
  const Corpus c(2000);
  const auto prepare = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--out", "a"});
    return c.prepare(more);
  };
  REQUIRE(prepare({}).status == 0);
  const auto whole = c.files("a");
  c.write("train.toml",
          "[tokenizer]\nuse = \"byte\"\n[dataset]\nuse = \"prepared\"\npath = \"a\"\n[run]\ndevice = \"cpu\"\nthreads = 1\n"
          "[model]\nn_layer = 1\nn_head = 1\nn_embd = 8\nblock_size = 8\n[[stage]]\nkind = \"train\"\nmax_iters = 2\n"
          "batch_size = 2\neval_iters = 1\n");
  fs::resize_file(c.path("a") / "train_000001.bin", 1000);
  const Outcome refused = c.gptcore({"run", "train.toml"});
  CHECK(refusal(refused) == "GC303");
  CHECK(has(refused.err, "train_000001.bin"));
  CHECK(has(refused.err, "--out " + c.path("a").string() + " and --verify"));
  const Outcome repaired = prepare({"--verify"});
  INFO(repaired.err);
  CHECK(repaired.status == 0);
  CHECK(has(repaired.err, "is damaged and is made whole again"));
  CHECK(c.files("a") == whole);
  CHECK(c.gptcore({"run", "train.toml"}).status == 0);

  std::string bytes = read(c.path("a") / "train_000000.bin");
  bytes[100] ^= 1;
  c.write("a/train_000000.bin", bytes);
  CHECK(has(c.gptcore({"data", "verify", "a"}).err, "--verify"));
  CHECK(prepare({"--verify"}).status == 0);
  CHECK(c.files("a") == whole);
}

TEST_CASE("what was damaged in the cache is made again by the run that needs it") {
  const Corpus c(500);
  c.write("train.toml", std::string(kCorpus) +
                            "pack = \"best_fit\"\n[run]\ndevice = \"cpu\"\nthreads = 1\n[model]\nn_layer = 1\nn_head = 1\n"
                            "n_embd = 8\nblock_size = 8\n[[stage]]\nkind = \"train\"\nmax_iters = 2\nbatch_size = 2\n");
  const auto train = [&] { return c.gptcore({"run", "train.toml", "--overwrite"}); };
  REQUIRE(train().status == 0);
  const fs::path folder = fs::directory_iterator(c.path("cache") / "prepared")->path();
  const std::string shard = read(folder / "train_000000.bin"), list = read(folder / "train_000000.docs");
  fs::resize_file(folder / "train_000000.bin", 100);
  const Outcome cut = train();
  INFO(cut.err);
  CHECK(cut.status == 0);
  CHECK(has(cut.err, "is damaged and is made whole again"));
  CHECK(read(folder / "train_000000.bin") == shard);
  std::string wrong = list;
  wrong[9] ^= 1;
  c.write(fs::relative(folder / "train_000000.docs", c.folder()), wrong);
  CHECK(train().status == 0);
  CHECK(read(folder / "train_000000.docs") == list);
}

TEST_CASE("after a bad line is mended the same prepare goes on") {
  const Corpus c(3000);
  const std::string good = read(c.path("corpus.jsonl"));
  c.write("corpus.jsonl", good + "{\"text\": \"half\n");
  const Outcome bad = c.prepare({"--out", "a"});
  CHECK(refusal(bad) == "GC303");
  CHECK(has(bad.err, "corpus.jsonl:3001: error"));
  c.write("corpus.jsonl", good + "{\"text\": \"whole\"}\n");
  const Outcome mended = c.prepare({"--out", "a"});
  INFO(mended.err);
  CHECK(mended.status == 0);
  CHECK(has(mended.err, "corpus.jsonl was changed since the preparation was interrupted"));
  REQUIRE(c.prepare({"--out", "b"}).status == 0);
  CHECK(c.files("a") == c.files("b"));
}

TEST_CASE("bad records are skipped and told on demand") {
  const Corpus c(100);
  c.write("corpus.jsonl", read(c.path("corpus.jsonl")) + "{\"text\": \"\\ud83d\"}\n{\"text\": null}\n");
  const Outcome refused = c.prepare({"--out", "a"});
  CHECK(refusal(refused) == "GC303");
  CHECK(has(refused.err, "corpus.jsonl:101: error[GC303]: holds the lone surrogate \\ud83d"));
  const Outcome skipped = c.prepare({"--out", "b", "--on_bad_record=skip"});
  INFO(skipped.err);
  CHECK(skipped.status == 0);
  CHECK(has(skipped.err, "2 records could not be used and were skipped, the first corpus.jsonl:101"));
  CHECK(has(c.gptcore({"data", "info", "b"}).out, "2 records could not be used and were skipped"));
}

TEST_CASE("a prepared folder serves any limit of bad records that it keeps to, and names every option that differs") {
  const Corpus c(100);
  c.write("corpus.jsonl", read(c.path("corpus.jsonl")) + "{\"text\": \"\\ud83d\"}\n{\"text\": null}\n");
  const auto prepare = [&](const char* limit, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--out", "a", "--on_bad_record=skip", std::string("--max_bad_records=") + limit});
    return c.prepare(more);
  };
  CHECK(refusal(prepare("1")) == "GC303");
  CHECK(prepare("2").status == 0);  // goes on where that one ended
  const auto made = c.files("a");
  CHECK(prepare("50").status == 0);
  CHECK(c.files("a") == made);
  for (const Outcome& fewer : {prepare("1"), c.prepare({"--out", "a"})}) {
    INFO(fewer.err);
    CHECK(refusal(fewer) == "GC303");
    CHECK(has(fewer.err, "2 records were skipped when the folder was made"));
    CHECK(has(fewer.err, "max_bad_records = 2"));
  }
  const Outcome other = prepare("2", {"--set", "dataset.val_fraction=0.3", "--format", "npy"});
  INFO(other.err);
  CHECK(refusal(other) == "GC503");
  CHECK(has(other.err, "with val_fraction 0.1, not val_fraction 0.3"));
  CHECK(has(other.err, "with the format gptcore, not npy"));
  CHECK_FALSE(has(other.err, "in use"));
}

TEST_CASE("a manifest that is none is described in words") {
  const Corpus c(100);
  REQUIRE(c.prepare({"--out", "a"}).status == 0);
  const std::string whole = read(c.path("a/manifest.json"));
  for (const std::string& bad :
       {std::string("{"), std::string("[]"), std::string("{\"kind\": 3}"),
        std::string(whole).replace(whole.find("\"tokens_per_shard\": "), 20, "\"tokens_per_shard\": \"x\" , \"y\": ")}) {
    c.write("a/manifest.json", bad);
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"data", "info", "a"}, {"data", "verify", "a"}, {"data", "sample", "a"}}) {
      const Outcome outcome = c.gptcore(words);
      INFO(bad << words[1] << outcome.err);
      CHECK(outcome.status != 0);
      CHECK(has(outcome.err, "manifest.json"));
      CHECK_FALSE(has(outcome.err, "json.exception"));
    }
  }
}

TEST_CASE("a text is prepared as one sequence, cut as nanoGPT cuts it") {
  const Workspace w;
  for (const char* tokenizer : {"byte", "char"}) {
    const std::string out = std::string("data-") + tokenizer;
    const Outcome made =
        w.gptcore({"prepare", "tiny.toml", "--out", out, "--format", "nanogpt", "--tokenizer.use=" + std::string(tokenizer)});
    INFO(made.err);
    REQUIRE(made.status == 0);
    const size_t all = read(w.path("input.txt")).size(), train = static_cast<size_t>(static_cast<double>(all) * 0.9);
    CHECK(fs::file_size(w.path(out) / "train.bin") == 2 * train);
    CHECK(fs::file_size(w.path(out) / "val.bin") == 2 * (all - train));
    CHECK(read(w.path(out) / "meta.json") == (std::string(tokenizer) == "byte"
                                                  ? "{\"vocab_size\": 256, \"dtype\": \"uint16\"}\n"
                                                  : "{\"vocab_size\": 18, \"dtype\": \"uint16\"}\n"));
    CHECK(w.gptcore({"data", "sample", out, "--tokens", "20"}).out == read(w.path("input.txt")).substr(0, 20) + "\n");
  }
}

TEST_CASE("a prepare stage writes what the verb does") {
  const Corpus c(500);
  c.write("stage.toml", std::string(kCorpus) +
                            "[model]\nn_layer = 1\nn_head = 1\nn_embd = 8\nblock_size = 8\n[[stage]]\n"
                            "kind = \"prepare\"\nout = \"staged\"\nformat = \"npy\"\n");
  const Outcome run = c.gptcore({"run", "stage.toml"});
  INFO(run.err);
  CHECK(run.status == 0);
  REQUIRE(c.gptcore({"prepare", "stage.toml", "--out", "direct"}).status == 0);
  CHECK(c.files("staged") == c.files("direct"));
  // The run's second time makes what is absent or damaged, and finds what fits no more.
  const auto again = [&](std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"run", "stage.toml"});
    return c.gptcore(more);
  };
  fs::remove_all(c.path("staged"));
  CHECK(again().status == 0);
  CHECK(c.files("staged") == c.files("direct"));
  fs::resize_file(c.path("staged") / "train_000000.npy", 200);
  const Outcome repaired = again();
  CHECK(has(repaired.err, "is made whole again"));
  CHECK(c.files("staged") == c.files("direct"));
  CHECK(refusal(again({"--set", "prepare.tokens_per_shard=7000"})) == "GC503");
}

TEST_CASE("preparations of one folder that run at once all succeed and leave what one leaves") {
  const Corpus c(20);
  REQUIRE(c.prepare({"--out", "alone", "--format", "npy"}).status == 0);
  std::vector<std::unique_ptr<Process>> all;
  for (int round = 0; round < 6; ++round) {
    all.clear();
    for (int i = 0; i < 4; ++i)
      all.push_back(std::make_unique<Process>(c.command({"prepare", "corpus.toml", "--tokens-per-shard", "200000", "--out",
                                                         "shared" + std::to_string(round), "--format", "npy"})));
    for (const auto& process : all) {
      const Outcome outcome = process->wait();
      CAPTURE(round, outcome.out, outcome.err);
      CHECK(outcome.status == 0);
    }
    CHECK(c.files("shared" + std::to_string(round)) == c.files("alone"));
  }
}

TEST_CASE("what cannot be prepared is refused by its place and leaves nothing that looks whole") {
  const Corpus c(50);
  CHECK(refusal(c.prepare({"--out", "a", "--format", "parquet"})) == "GC104");
  CHECK(refusal(c.prepare({"--out", "a", "--dataset.text_field=body"})) == "GC303");
  CHECK_FALSE(fs::exists(c.path("a") / "manifest.json"));
  fs::remove_all(c.path("a"));
  c.write("corpus.jsonl", "{\"text\": \"fine\"}\n{\"text\": \"caf\xe9\"}\n");
  const Outcome invalid = c.prepare({"--out", "a"});
  CHECK(refusal(invalid) == "GC303");
  CHECK(invalid.status == 4);
  CHECK(has(invalid.err, "corpus.jsonl:2: error"));
  c.write("a/train_000000.bin", "not ours");
  fs::remove(c.path("a") / "progress.json");
  CHECK(refusal(c.prepare({"--out", "a"})) == "GC503");
  CHECK(refusal(c.gptcore({"prepare"})) == "GC001");
  CHECK(refusal(c.gptcore({"data", "info", "nowhere"})) == "GC300");
  CHECK(refusal(c.gptcore({"data", "inof", "a"})) == "GC001");
}

TEST_CASE("a disk that fills up is named, and the same command goes on when there is room") {
  const Corpus c;
  fs::create_directories(c.path("disk"));
  const auto on_disk = [&](const std::string& script) {
    return run({{"unshare", "-m", "sh", "-c", script, program()}, c.folder(), {}, 60});
  };
  if (on_disk("mount -t tmpfs none disk").status != 0) {
    WARN("not tried: mounting needs root");
    return;
  }
  const std::string prepare = "\"$0\" prepare corpus.toml --tokens-per-shard 200000 --out disk/a";
  const Outcome full = on_disk("mount -t tmpfs -o size=3m none disk && " + prepare + "; s=$?; cp -r disk/a kept; exit $s");
  CHECK(refusal(full) == "GC901");
  CHECK(full.status == 9);
  CHECK_FALSE(fs::exists(c.path("kept") / "manifest.json"));
  CHECK(fs::exists(c.path("kept") / "train_000002.bin"));
  const Outcome rest = c.prepare({"--out", "kept"});
  CHECK(has(rest.err, "continuing after"));
  REQUIRE(c.prepare({"--out", "whole"}).status == 0);
  CHECK(c.files("kept") == c.files("whole"));
}

TEST_CASE("a mixture is written as tables, whose mistakes are found before the run") {
  const Workspace w;
  const auto pipeline = [&](const std::string& sources) {
    w.write("mix.toml",
            "[tokenizer]\nuse = \"byte\"\n[run]\ndevice = \"cpu\"\nthreads = 1\nout_dir = \"mixed\"\n"
            "[model]\nn_layer = 1\nn_head = 1\nn_embd = 8\nblock_size = 8\n[dataset]\nuse = \"mixture\"\n" +
                sources + "[[stage]]\nkind = \"train\"\nmax_iters = 3\nbatch_size = 2\neval_iters = 1\n");
  };
  pipeline(
      "[[dataset.source]]\nuse = \"text\"\nfiles = [\"input.txt\"]\nweight = 3\n"
      "[[dataset.source]]\nuse = \"text\"\nfiles = [\"mix.toml\"]\n");
  const Outcome run = w.gptcore({"run", "mix.toml"});
  INFO(run.err);
  CHECK(run.status == 0);
  CHECK(refusal(w.gptcore({"prepare", "mix.toml", "--out", "prepared"})) == "GC106");
  CHECK_FALSE(fs::exists(w.path("prepared") / "manifest.json"));
  const Outcome elsewhere = w.gptcore({"config", "check", "mixed/config.toml"});
  CHECK(elsewhere.status == 0);
  pipeline("[[dataset.source]]\nuse = \"text\"\nflies = [\"input.txt\"]\n");
  CHECK(refusal(w.gptcore({"config", "check", "mix.toml"})) == "GC102");
  pipeline("[[dataset.source]]\nuse = \"txet\"\n");
  const Outcome unknown = w.gptcore({"config", "check", "mix.toml"});
  CHECK(refusal(unknown) == "GC101");
  CHECK(has(unknown.err, "did you mean 'text'"));
}
