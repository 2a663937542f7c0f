// Models of other tools: import, export, and runs that start from one.
#include <cstdlib>
#include <filesystem>

#include "tests/cli/token_rows.h"
#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A tiny GPT-2 as transformers has saved it: 61 tokens, 16 positions.
std::string hf_folder() {
  return std::string(std::getenv("GPTCORE_SOURCE")) + "/tests/parity/reference/hf_gpt2";
}

// An evaluation of the pipeline's model on the bytes of input.txt, which are all below 256.
const char* const kEvaluation = R"([run]
out_dir = "evaluated"
device = "cpu"
threads = 1
[tokenizer]
use = "byte"
[dataset]
use = "text"
files = ["input.txt"]
[model]
init_from = "INIT"
[[stage]]
kind = "evaluate"
[[logger]]
use = "jsonl"
)";

const char* const kEmbeddingAdapter = "[[adapter]]\nuse = \"lora\"\ntargets = [\"wte\"]\nrank = 2\n\n";

double loss_of(const Workspace& w, const std::string& init_from, const std::string& more = "") {
  std::string text = kEvaluation + more;
  text.replace(text.find("INIT"), 4, init_from);
  w.write("evaluation.toml", text);
  const Outcome outcome = w.gptcore({"run", "evaluation.toml", "--overwrite"});
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  const double loss = records(w.path("evaluated"), "evaluation_ended").back().at("val_loss");
  fs::remove_all(w.path("evaluated"));
  return loss;
}

}  // namespace

TEST_CASE("a folder is imported, exported and imported again with the same bytes") {
  const Workspace w;
  const Outcome in = w.gptcore({"import", hf_folder(), "--to", "runs/a"});
  INFO(in.out << in.err);
  REQUIRE(in.status == 0);
  CHECK(has(in.out, "step-000000000: "));
  const Outcome out = w.gptcore({"export", "runs/a", "--to", "hf"});
  INFO(out.out << out.err);
  REQUIRE(out.status == 0);
  CHECK(has(out.out, "hf: config.json, model.safetensors; f32, "));
  CHECK(has(out.out, "read back: largest logit difference 0\n"));
  REQUIRE(w.gptcore({"import", "hf", "--to", "runs/b"}).status == 0);
  CHECK(read(newest_checkpoint(w.path("runs/a")) / "model.safetensors") ==
        read(newest_checkpoint(w.path("runs/b")) / "model.safetensors"));
  for (const char* format : {"llmc", "gguf"}) {
    const Outcome other = w.gptcore({"export", "runs/a", "--format", format, "--to", format});
    INFO(other.out << other.err);
    CHECK(other.status == (std::string(format) == "gguf" ? 0 : 2));  // its MLPs are not 4 n_embd wide
  }
  CHECK(fs::exists(w.path("gguf/model.gguf")));
  CHECK_FALSE(fs::exists(w.path("llmc")));
}

TEST_CASE("a trained run loses nothing on its way through a folder, nor through ckpt:") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  const Outcome out = w.gptcore({"export", "out", "--to", "hf"});
  INFO(out.out << out.err);
  REQUIRE(out.status == 0);
  const double own = loss_of(w, "ckpt:out");
  CHECK(loss_of(w, "hf:hf") == own);
  CHECK(own < records(w.path("out"), "evaluation_ended").front().at("val_loss").get<double>());
}

TEST_CASE("an exported folder has the run's tokenizer where Hugging Face's library can be it, and says so where not") {
  const Workspace w;
  std::vector<std::string> words = kShort;
  for (const char* word : {"tokenizer.use=bpe_train", "tokenizer.vocab_size=300"}) words.insert(words.end(), {"--set", word});
  REQUIRE(w.train(words).status == 0);
  const Outcome out = w.gptcore({"export", "out", "--to", "hf"});
  INFO(out.out << out.err);
  REQUIRE(out.status == 0);
  CHECK(has(out.out,
            "hf: config.json, generation_config.json, merges.txt, model.safetensors, tokenizer.json, "
            "tokenizer_config.json, vocab.json; "));
  w.write("some.txt", "The theme of the day, and a bird\xc3\xa9.");
  const Outcome own = w.gptcore({"tokenize", "--tokenizer", "out", "some.txt", "--json"});
  CHECK(own.status == 0);
  CHECK(w.gptcore({"tokenize", "--tokenizer", "hf", "some.txt", "--json"}).out == own.out);
  const auto config = nlohmann::json::parse(read(w.path("hf/config.json")));
  CHECK(config.at("eos_token_id") == config.at("vocab_size").get<int>() - 1);  // <|endoftext|>
  fs::remove(w.path("hf/tokenizer.json"));
  CHECK(w.gptcore({"tokenize", "--tokenizer", "hf", "some.txt", "--json"}).out == own.out);  // vocab.json and merges.txt
  const Workspace characters;
  std::vector<std::string> other = kShort;
  other.insert(other.end(), {"--set", "tokenizer.use=char"});
  REQUIRE(characters.train(other).status == 0);
  CHECK(has(characters.gptcore({"export", "out", "--to", "hf"}).out, "there is no tokenizer.json"));
}

TEST_CASE("an export has as many rows as the tokenizer has tokens, which is said") {
  for (const char* key : {"model.vocab_size=300", "model.vocab_multiple=100"}) {
    for (const char* tied : {"true", "false"}) {
      const Workspace w;
      std::vector<std::string> words = kShort;
      for (const std::string& word :
           {std::string(key), std::string("model.tie_word_embeddings=") + tied, std::string("model.gelu=\"tanh\"")})
        words.insert(words.end(), {"--set", word});
      REQUIRE(w.train(words).status == 0);
      for (const char* format : {"hf", "gguf", "llmc"}) {
        const Outcome out = w.gptcore({"export", "out", "--to", format, "--format", format});
        CAPTURE(key, tied, format, out.out, out.err);
        if (format == std::string("llmc") && tied == std::string("false")) continue;
        REQUIRE(out.status == 0);
        CHECK(has(out.out, "44 rows are left out") == (key == std::string("model.vocab_size=300")));
      }
      CHECK(nlohmann::json::parse(read(w.path("hf/config.json"))).at("vocab_size") == 256);
      CHECK(table_in(w.path("hf/model.safetensors"), "transformer.wte.weight").size() == 256);
      CHECK_FALSE(has(read(w.path("gguf/model.gguf")), "[PAD"));
      const std::vector<std::string> greedy = {"--prompt", "the", "--max-new-tokens", "12", "--temperature", "0"};
      const auto sampled = [&](const char* run) {
        std::vector<std::string> all = {"sample", run};
        all.insert(all.end(), greedy.begin(), greedy.end());
        const Outcome outcome = w.gptcore(all);
        CHECK(outcome.status == 0);
        return outcome.out;
      };
      REQUIRE(w.gptcore({"import", "hf", "--to", "back", "--set", "tokenizer.use=byte"}).status == 0);
      CHECK(sampled("back") == sampled("out"));
    }
  }
}

TEST_CASE("what only a new run could choose is not proposed for one that is trained") {
  const Workspace w;
  std::vector<std::string> words = kShort;
  words.insert(words.end(), {"--set", "tokenizer.use=char"});
  REQUIRE(w.train(words).status == 0);
  const Outcome sample = w.gptcore({"sample", "out", "--prompt", "Zebra"});
  INFO(sample.err);
  CHECK(refusal(sample) == "GC305");
  CHECK_FALSE(has(sample.err, "use the tokenizer"));
  const Outcome out = w.gptcore({"export", "out", "--format", "gguf", "--to", "gguf"});
  INFO(out.err);
  CHECK(refusal(out) == "GC400");
  CHECK(has(out.err, "use --format hf, or train a new run with model.gelu = \"tanh\""));
}

TEST_CASE("a run that started from a folder goes on without it") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  REQUIRE(w.gptcore({"export", "out", "--to", "hf"}).status == 0);
  std::string text = read(w.path("tiny.toml"));
  text.replace(text.find("n_layer = 2\nn_head = 2\nn_embd = 16\nblock_size = 16\n"), 51, "init_from = \"hf:hf\"\n");
  text.replace(text.find("\"out\""), 5, "\"tuned\"");
  w.write("tune.toml", text);
  std::vector<std::string> words = {"run", "tune.toml"};
  words.insert(words.end(), kShort.begin(), kShort.end());
  const Outcome tuned = w.gptcore(words);
  INFO(tuned.out << tuned.err);
  REQUIRE(tuned.status == 0);
  CHECK(has(tuned.out + tuned.err, "weights from "));
  fs::remove_all(w.path("hf"));
  CHECK(w.gptcore({"sample", "tuned", "--max-new-tokens", "5"}).status == 0);
  CHECK(w.gptcore({"export", "tuned", "--to", "again"}).status == 0);
  CHECK(refusal(w.gptcore(words)) == "GC500");
}

TEST_CASE("adapters start anew on a checkpoint's weights, and are merged into an export or kept beside it") {
  const Workspace w;
  std::string text = read(w.path("tiny.toml"));
  text.insert(text.find("dropout"), "gelu = \"tanh\"\n");
  w.write("tiny.toml", text);
  REQUIRE(w.train(kShort).status == 0);
  text.insert(text.find("gelu"), "init_from = \"ckpt:out\"\n");
  text.insert(text.find("[[stage]]"), "[[adapter]]\nuse = \"lora\"\ntargets = [\"TARGETS\"]\nrank = 2\n\n");
  const auto train = [&](const std::string& targets, const std::string& out) {
    std::string pipeline = text;
    pipeline.replace(pipeline.find("TARGETS"), 7, targets);
    pipeline.replace(pipeline.find("\"out\""), 5, "\"" + out + "\"");
    w.write(out + ".toml", pipeline);
    std::vector<std::string> words = {"run", out + ".toml"};
    words.insert(words.end(), kShort.begin(), kShort.end());
    REQUIRE(w.gptcore(words).status == 0);
  };
  train("blocks.*.attn.*", "linears");
  const Outcome merged = w.gptcore({"export", "linears", "--to", "merged"});
  INFO(merged.out << merged.err);
  CHECK(merged.status == 0);
  CHECK(has(merged.out, "4 adapters merged"));
  const Outcome kept = w.gptcore({"export", "linears", "--to", "kept", "--adapters", "keep"});
  INFO(kept.out << kept.err);
  CHECK(kept.status == 0);
  CHECK(has(kept.out, "read back: largest logit difference 0\n"));
  CHECK(fs::exists(w.path("kept/adapters.safetensors")));
  CHECK(read(w.path("kept/model.safetensors")) != read(w.path("merged/model.safetensors")));
  CHECK(refusal(w.gptcore({"export", "linears", "--to", "x", "--format", "gguf", "--adapters", "keep"})) == "GC001");

  std::string without = kEvaluation;
  without.replace(without.find("INIT"), 4, "ckpt:linears");
  w.write("evaluation.toml", without);
  const Outcome lost = w.gptcore({"run", "evaluation.toml"});
  CHECK(refusal(lost) == "GC502");
  CHECK(has(lost.err, "the checkpoint's adapters are not this pipeline's: "));

  train("wte", "embedding");
  const Outcome tied = w.gptcore({"export", "embedding", "--to", "x", "--format", "gguf"});
  CHECK(has(tied.err, "--format hf --adapters keep"));
  const Outcome no_place = w.gptcore({"export", "embedding", "--to", "x", "--format", "gguf", "--adapters", "keep"});
  CHECK(has(no_place.err, "no place for adapters; --format hf\n"));
  CHECK(refusal(w.gptcore({"export", "embedding", "--to", "x"})) == "GC400");
  CHECK(w.gptcore({"export", "embedding", "--to", "base", "--adapters", "keep"}).status == 0);
  CHECK_FALSE(fs::exists(w.path("x")));
}

TEST_CASE("an adapter of the embedding is merged into an export where the head is one of its own") {
  const Workspace w;
  std::string text = read(w.path("tiny.toml"));
  text.insert(text.find("dropout"), "tie_word_embeddings = false\n");
  text.insert(text.find("[[stage]]"), kEmbeddingAdapter);
  w.write("tiny.toml", text);
  REQUIRE(w.train(kShort).status == 0);
  const Outcome merged = w.gptcore({"export", "out", "--to", "merged"});
  INFO(merged.out << merged.err);
  REQUIRE(merged.status == 0);
  CHECK(has(merged.out, "1 adapters merged"));
  CHECK(loss_of(w, "hf:merged") == Approx(loss_of(w, "ckpt:out", kEmbeddingAdapter)));
}

TEST_CASE("an imported folder with vocab.json and merges.txt can be sampled at once, whatever ends its lines") {
  const Workspace w;
  std::vector<std::string> words = kShort;
  for (const char* word : {"tokenizer.use=bpe_train", "tokenizer.vocab_size=300"}) words.insert(words.end(), {"--set", word});
  REQUIRE(w.train(words).status == 0);
  REQUIRE(w.gptcore({"export", "out", "--to", "hf"}).status == 0);
  fs::remove(w.path("hf/tokenizer.json"));
  const auto sampled = [&](const char* run) {
    const Outcome outcome = w.gptcore({"sample", run, "--prompt", "the", "--max-new-tokens", "8", "--temperature", "0"});
    INFO(outcome.out << outcome.err);
    CHECK(outcome.status == 0);
    return outcome.out;
  };
  const std::string own = sampled("out");
  const Outcome in = w.gptcore({"import", "hf"});
  INFO(in.out << in.err);
  REQUIRE(in.status == 0);
  CHECK(has(in.out, "parameters, tokenizer"));
  CHECK(sampled("runs/hf") == own);
  std::string lines = read(w.path("hf/merges.txt"));
  for (size_t at = 0; (at = lines.find('\n', at)) != std::string::npos; at += 2) lines.insert(at, "\r");
  w.write("hf/merges.txt", lines);
  REQUIRE(w.gptcore({"import", "hf", "--to", "runs/crlf"}).status == 0);
  CHECK(sampled("runs/crlf") == own);
}

TEST_CASE("a folder without a tokenizer is imported without one, which is said") {
  const Workspace w;
  const Outcome in = w.gptcore({"import", hf_folder(), "--to", "runs/a"});
  CHECK(in.status == 0);
  CHECK(has(in.out, "no tokenizer"));
}

TEST_CASE("Git LFS pointers in a folder's place are named") {
  const Workspace w;
  fs::create_directories(w.path("cloned"));
  fs::copy(hf_folder() + "/config.json", w.path("cloned/config.json"));
  const char* const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:abab\nsize 548105171\n";
  for (const char* file : {"model.safetensors", "pytorch_model.bin"}) {
    w.write(std::string("cloned/") + file, pointer);
    const Outcome outcome = w.gptcore({"import", "cloned"});
    INFO(outcome.err);
    CHECK(refusal(outcome) == "GC500");
    CHECK(has(outcome.err, std::string("cloned/") + file + ": error[GC500]: this is a Git LFS pointer"));
    fs::remove(w.path(std::string("cloned/") + file));
  }
}

TEST_CASE("import and export refuse what they cannot do, and leave nothing") {
  const Workspace w;
  REQUIRE(w.gptcore({"import", hf_folder(), "--to", "runs/a"}).status == 0);
  fs::create_directories(w.path("pickled"));
  fs::copy(hf_folder() + "/config.json", w.path("pickled/config.json"));
  w.write("pickled/pytorch_model.bin", "PK");
  fs::create_directories(w.path("cut"));
  fs::copy(hf_folder() + "/config.json", w.path("cut/config.json"));
  w.write("cut/model.safetensors", read(hf_folder() + "/model.safetensors").substr(0, 20000));
  struct Bad {
    std::vector<std::string> words;
    int status;
    const char* code;
  };
  const std::vector<Bad> all = {
      {{"import"}, 2, "GC001"},
      {{"import", "nowhere"}, 5, "GC500"},
      {{"import", "pickled"}, 5, "GC502"},
      {{"import", "cut"}, 5, "GC501"},
      {{"import", hf_folder(), "--to", "runs/a"}, 5, "GC503"},
      {{"import", hf_folder(), "--to", "runs/b", "--model.n_layer=3"}, 2, "GC106"},
      {{"export"}, 2, "GC001"},
      {{"export", "runs/a"}, 2, "GC001"},
      {{"export", "nowhere", "--to", "x"}, 5, "GC500"},
      {{"export", "runs/a", "--to", "x", "--format", "onnx"}, 2, "GC001"},
      {{"export", "runs/a", "--to", "x", "--dtype", "f64"}, 2, "GC001"},
      {{"export", "runs/a", "--to", "x", "--format", "llmc"}, 2, "GC400"},
      {{"export", "runs/a", "--to", "runs"}, 5, "GC503"},
      {{"export", "runs/a", "--to", "/proc/nowhere/x"}, 9, "GC900"},
  };
  for (const Bad& bad : all) {
    const Outcome outcome = w.gptcore(bad.words);
    INFO(bad.words.back() << "\n" << outcome.out << outcome.err);
    CHECK(refusal(outcome) == bad.code);
    CHECK(outcome.status == bad.status);
  }
  CHECK_FALSE(fs::exists(w.path("x")));
  CHECK_FALSE(fs::exists(w.path("runs/b")));
  CHECK_FALSE(fs::exists(w.path("runs/pickled/ckpt")));
}
