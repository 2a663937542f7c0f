// Runs that start from another model's weights and change its vocabulary or context.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "tests/cli/token_rows.h"
#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr const char* kChat = R"([run]
name = "chat"
device = "cpu"
threads = 1
[tokenizer]
use = "gpt2"
dir = "hf"
chat_tokens = true
[dataset]
use = "chat_mixture"
files = ["chat.jsonl"]
val_fraction = 0.2
[model]
init_from = "hf:hf"
block_size = 8
[[stage]]
kind = "train"
max_iters = 6
batch_size = 4
learning_rate = 1e-3
warmup_iters = 0
eval_interval = 3
eval_iters = 1
[[stage]]
kind = "sample"
prompt = "the"
max_new_tokens = 40
temperature = 5.0
[[logger]]
use = "console"
)";

// A GPT-2 folder "hf" with a tokenizer of its own, and conversations.
void write_base(const Workspace& w) {
  std::vector<std::string> words = kShort;
  for (const char* word : {"tokenizer.use=bpe_train", "tokenizer.vocab_size=300"}) words.insert(words.end(), {"--set", word});
  REQUIRE(w.train(words).status == 0);
  const Outcome out = w.gptcore({"export", "out", "--to", "hf"});
  INFO(out.out << out.err);
  REQUIRE(out.status == 0);
  std::string lines;
  for (int i = 0; i < 40; ++i)
    lines += R"({"messages": [{"role": "user", "content": "the day )" + std::to_string(i) +
             R"("}, {"role": "assistant", "content": "a bird and the theme of day )" + std::to_string(i) + "\"}]}\n";
  w.write("chat.jsonl", lines);
  w.write("chat.toml", kChat);
}

const std::vector<std::string> kUnlearned = {"--max_iters=2", "--eval_interval=2", "--learning_rate=0", "--min_lr=0",
                                             "--weight_decay=0"};

// A run that learns nothing, so that its rows are those it began with; its newest checkpoint.
fs::path unlearned(const Workspace& w, const std::string& to, std::vector<std::string> words, std::string* told = nullptr) {
  words.insert(words.begin(), {"run", "tiny.toml", "--set", "run.out_dir=" + to});
  words.insert(words.end(), kUnlearned.begin(), kUnlearned.end());
  const Outcome run = w.gptcore(std::move(words));
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  if (told) *told = run.out + run.err;
  return newest_checkpoint(w.path(to));
}

// The rows of wte by the tokens of the checkpoint's tokenizer.
std::map<std::string, std::vector<float>> rows_by_text(const fs::path& checkpoint) {
  const auto tokenizer = nlohmann::json::parse(read(checkpoint / "tokenizer.bin"));
  const auto table = table_in(checkpoint / "model.safetensors", "wte.weight");
  std::map<std::string, std::vector<float>> rows;
  for (const auto& [text, id] : tokenizer.at("model").at("vocab").items()) rows[text] = table.at(id.get<size_t>());
  return rows;
}

// The rows of wte of a run with the tokenizer "byte", by the character.
std::map<std::string, std::vector<float>> rows_by_byte(const fs::path& checkpoint) {
  const auto table = table_in(checkpoint / "model.safetensors", "wte.weight");
  std::map<std::string, std::vector<float>> rows;
  for (char c = '!'; c <= '~'; ++c) rows[std::string(1, c)] = table.at(static_cast<size_t>(c));
  return rows;
}

}  // namespace

TEST_CASE("a token keeps its row from a Hugging Face folder whose tokenizer has another number for it") {
  const Workspace w;
  write_base(w);
  std::string other = read(w.path("input.txt"));
  std::reverse(other.begin(), other.end());
  w.write("other.txt", other);
  const std::vector<std::string> words = {"--set", "tokenizer.use=bpe_train",       "--set", "tokenizer.vocab_size=300",
                                          "--set", "dataset.files=[\"other.txt\"]", "--set", "model.init_from=hf:hf"};
  const auto before = rows_by_text(newest_checkpoint(w.path("out")));
  const auto differing = [&](const fs::path& checkpoint) {
    int different = 0;
    for (const auto& [text, row] : rows_by_text(checkpoint))
      if (const auto then = before.find(text); then != before.end()) different += then->second != row;
    return different;
  };
  std::string told;
  CHECK(differing(unlearned(w, "reversed", words, &told)) == 0);
  CHECK(has(told, " moved with their tokens; "));
  fs::remove(w.path("hf/tokenizer.json"));
  REQUIRE(fs::exists(w.path("hf/vocab.json")));
  CHECK(differing(unlearned(w, "by_vocab_json", words)) == 0);

  fs::remove(w.path("hf/vocab.json"));
  unlearned(w, "by_number", words, &told);
  CHECK(lines_with(told, "the source's rows are taken by number").size() == 1);
}

TEST_CASE("a token keeps its row from a checkpoint whose tokenizer is another one, and the rest is told") {
  const Workspace w;
  write_base(w);
  const auto before = rows_by_text(newest_checkpoint(w.path("out")));
  std::string told;
  const fs::path bytes = unlearned(w, "bytes", {"--set", "model.init_from=ckpt:out"}, &told);
  CHECK(has(told, " moved with their tokens; "));
  CHECK_FALSE(has(told, "by number"));
  for (const auto& [text, row] : rows_by_byte(bytes)) {
    CAPTURE(text);
    CHECK(row == before.at(text));
  }
  const std::vector<std::string> learned = {"--set", "tokenizer.use=bpe_train",   "--set", "tokenizer.vocab_size=700",
                                            "--set", "model.init_from=ckpt:bytes"};
  const auto again = rows_by_text(unlearned(w, "again", learned, &told));
  for (const auto& [text, row] : rows_by_byte(bytes)) {
    CAPTURE(text);
    CHECK(row == again.at(text));
  }
  CHECK(has(told, " rows added for the tokens from 256 on"));
  CHECK_FALSE(has(told, "is another one"));
}

TEST_CASE("a folder's tokenizer of another kind gives each token its row") {
  const Workspace w;
  write_base(w);
  const auto before = table_in(w.path("hf/model.safetensors"), "transformer.wte.weight");
  const auto kept = [&](const std::string& to, const std::function<size_t(char)>& id_of) {
    std::string told;
    const auto rows = rows_by_byte(unlearned(w, to, {"--set", "model.init_from=hf:hf"}, &told));
    CAPTURE(to, told);
    CHECK_FALSE(has(told, "by number"));
    CHECK(lines_with(told, "the source's tokenizer is another one: it has 94 of this run's 256 tokens").size() == 1);
    CHECK(has(told, "162 rows added for the tokens that the source does not have (it has 94 of 256)"));
    for (const auto& [text, row] : rows) {
      CAPTURE(text);
      CHECK(row == before.at(id_of(text[0])));
    }
  };
  // Pieces by descending character, as a Unigram model and as a list of words' parts have them.
  const auto place = [](char c) { return static_cast<size_t>('~' - c) + 3; };
  auto vocab = nlohmann::json::array({{"<unk>", 0}, {"<s>", 0}, {"\u2581the", -1}});
  std::string lines = "[PAD]\n[UNK]\nthe\n";
  for (char c = '~'; c >= '!'; --c) {
    vocab.push_back({std::string(1, c), -2});
    lines += "##" + std::string(1, c) + "\n";
  }
  w.write("hf/tokenizer.json", nlohmann::json{{"model", {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", vocab}}},
                                              {"added_tokens", nlohmann::json::array()},
                                              {"pre_tokenizer", {{"type", "Metaspace"}}}}
                                   .dump());
  kept("unigram", place);
  fs::remove(w.path("hf/tokenizer.json"));
  fs::remove(w.path("hf/vocab.json"));
  w.write("hf/vocab.txt", lines);
  kept("word_pieces", place);
}

TEST_CASE("a folder whose tokenizer is damaged is refused, by config check too") {
  const Workspace w;
  write_base(w);
  w.write("hf/tokenizer.json", "{\"model\": 3}");
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"run"}, {"config", "check"}}) {
    std::vector<std::string> words = verb;
    words.insert(words.end(), {"tiny.toml", "--set", "model.init_from=hf:hf", "--set", "run.out_dir=damaged"});
    const Outcome outcome = w.gptcore(words);
    CAPTURE(verb[0], outcome.out, outcome.err);
    CHECK(refusal(outcome) == "GC502");
    CHECK(has(outcome.err, "hf/tokenizer.json: the tokens of the source's rows cannot be told"));
  }
  CHECK_FALSE(fs::exists(w.path("damaged")));
}

TEST_CASE("rows by number are told where one side has no tokenizer") {
  const Workspace w;
  write_base(w);
  REQUIRE(w.gptcore({"prepare", "tiny.toml", "--out", "ids", "--format", "nanogpt"}).status == 0);
  fs::remove(w.path("ids/manifest.json"));
  std::string text = read(w.path("tiny.toml"));
  const auto cut = [&](const std::string& from, const std::string& to, const std::string& by) {
    const size_t begin = text.find(from);
    text.replace(begin, text.find(to, begin) - begin, by);
  };
  cut("[tokenizer]", "[model]", "[dataset]\nuse = \"token_bin\"\npath = \"ids\"\nvocab_size = 256\n");
  text = text.substr(0, text.find("[[stage]]", text.find("[[stage]]") + 1));
  w.write("bare.toml", text);
  const auto run = [&](const char* pipeline, const std::string& to, const std::string& from) {
    std::vector<std::string> words = {"run", pipeline, "--set", "run.out_dir=" + to, "--set", "model.init_from=" + from};
    words.insert(words.end(), kUnlearned.begin(), kUnlearned.end());
    const Outcome outcome = w.gptcore(words);
    CAPTURE(outcome.out, outcome.err);
    CHECK(outcome.status == 0);
    return outcome.out + outcome.err;
  };
  CHECK(lines_with(run("bare.toml", "bare", "hf:hf"), "taken by number: this run has no tokenizer").size() == 1);
  CHECK(lines_with(run("tiny.toml", "after", "ckpt:bare"), "(its run had no tokenizer); the source's rows are").size() == 1);
  CHECK_FALSE(has(run("bare.toml", "both", "ckpt:bare"), "by number"));
  for (const char* more : {"--quiet", "--allow-arch-change"}) {
    const Outcome onto = w.gptcore({"run", "tiny.toml", "--set", "run.out_dir=bare", more});
    CAPTURE(onto.out, onto.err);
    CHECK(refusal(onto) == "GC502");
    CHECK(has(onto.err, "tokenizer.use is \"byte\" here and absent there"));
    CHECK(has(onto.err, "start a new run with model.init_from = \"ckpt:"));
    CHECK_FALSE(has(onto.err, "--allow-arch-change"));
  }
}

TEST_CASE("an adapter of the embedding is refused where its rows would change, by config check too") {
  const Workspace w;
  std::string text = read(w.path("tiny.toml"));
  text.insert(text.find("[[stage]]"), "[[adapter]]\nuse = \"lora\"\ntargets = [\"wte\"]\nrank = 2\n\n");
  w.write("tiny.toml", text);
  unlearned(w, "first", {"--set", "model.vocab_size=320"});
  unlearned(w, "same", {"--set", "model.vocab_size=320", "--set", "model.init_from=ckpt:first"});
  const std::vector<std::string> other = {"tiny.toml",
                                          "--set",
                                          "model.init_from=ckpt:first",
                                          "--set",
                                          "tokenizer.use=bpe_train",
                                          "--set",
                                          "tokenizer.vocab_size=300",
                                          "--set",
                                          "run.out_dir=other"};
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"run"}, {"config", "check"}}) {
    std::vector<std::string> words = verb;
    words.insert(words.end(), other.begin(), other.end());
    const Outcome outcome = w.gptcore(words);
    CAPTURE(verb[0], outcome.out, outcome.err);
    CHECK(refusal(outcome) == "GC502");
    CHECK(has(outcome.err, "has the adapter 'lora' on 'wte', whose rows cannot become those of 320 tokens"));
  }
  CHECK_FALSE(fs::exists(w.path("other")));
}

TEST_CASE("adapters of a checkpoint that the pipeline lacks are refused before --overwrite moves a run, by config check too") {
  const Workspace w;
  const std::string bare = read(w.path("tiny.toml"));
  const auto with_adapter = [&](const std::string& keys) {
    std::string text = bare;
    w.write("tiny.toml", text.insert(text.find("[[stage]]"), "[[adapter]]\nuse = \"lora\"\n" + keys + "\n\n"));
  };
  with_adapter("targets = [\"blocks.*.attn.qkv\"]\nrank = 2\nalpha = 4");
  unlearned(w, "first", {});
  unlearned(w, "out", {});
  const std::string good = newest_checkpoint(w.path("out"));
  struct Case {
    std::string keys, says;
  };
  for (const Case& c : {Case{"", "it holds 'lora' for a layer that has none here (blocks.0.attn.qkv and 1 more)"},
                        Case{"targets = [\"blocks.*.attn.qkv\"]\nrank = 4\nalpha = 4", "made for rank 2, this pipeline has 4"},
                        Case{"targets = [\"blocks.*.mlp.fc\"]\nrank = 2\nalpha = 4", "for a layer that has none here"},
                        Case{"targets = [\"blocks.0.attn.qkv\"]\nrank = 2\nalpha = 4", "(blocks.1.attn.qkv)"}}) {
    if (c.keys.empty())
      w.write("tiny.toml", bare);
    else
      with_adapter(c.keys);
    // A tokenizer that is learned from the run's data, too, of which a check knows no tokens.
    for (const char* tokenizer : {"tokenizer.use=byte", "tokenizer.use=char"})
      for (const std::vector<std::string>& verb : {std::vector<std::string>{"config", "check"}, {"run", "--overwrite"}}) {
        std::vector<std::string> words = verb;
        words.insert(words.begin() + (verb[0] == "run" ? 1 : 2), "tiny.toml");
        words.insert(words.end(), {"--set", "model.init_from=ckpt:first", "--set", tokenizer});
        const Outcome outcome = w.gptcore(words);
        CAPTURE(c.keys, tokenizer, verb[0], outcome.out, outcome.err);
        CHECK(refusal(outcome) == "GC502");
        CHECK(has(outcome.err, c.says));
        CHECK(has(outcome.err, "init_from"));
        CHECK(newest_checkpoint(w.path("out")) == good);
        CHECK_FALSE(fs::exists(w.path("out.old-1")));
      }
  }
}

TEST_CASE("a checkpoint's adapters find their place as the refusal's hint says: by its tables, or merged") {
  const Workspace w;
  const std::string bare = read(w.path("tiny.toml"));
  std::string adapted = bare;
  adapted.insert(adapted.find("[[stage]]"),
                 "[[adapter]]\nuse = \"lora\"\ntargets = [\"blocks.*.attn.qkv\"]\nrank = 2\nalpha = 4\n\n");
  w.write("tiny.toml", adapted);
  unlearned(w, "first", {});
  const auto starts = [&](const std::string& from) {
    const Outcome outcome = w.gptcore({"run", "tiny.toml", "--max_iters=1", "--overwrite", "--set", "model.init_from=" + from});
    CAPTURE(from, outcome.out, outcome.err);
    CHECK(outcome.status == 0);
  };
  starts("ckpt:first");
  w.write("tiny.toml", bare);
  REQUIRE(w.gptcore({"export", newest_checkpoint(w.path("first")), "--to", "DIR"}).status == 0);
  starts("hf:DIR");
}

TEST_CASE("import refuses a tokenizer that has no vocabulary yet") {
  const Workspace w;
  write_base(w);
  const Outcome in = w.gptcore({"import", "hf", "--to", "runs/a", "--set", "tokenizer.use=char"});
  CHECK(refusal(in) == "GC001");
  CHECK(has(in.err, "'char' learns its vocabulary from a dataset"));
  CHECK_FALSE(fs::exists(w.path("runs/a")));
}

TEST_CASE("a folder of the same tokenizer gives its rows without a word about tokens") {
  const Workspace w;
  write_base(w);
  std::string told;
  const fs::path made = unlearned(
      w, "same", {"--set", "tokenizer.use=bpe_train", "--set", "tokenizer.vocab_size=300", "--set", "model.init_from=hf:hf"},
      &told);
  CHECK(rows_by_text(made) == rows_by_text(newest_checkpoint(w.path("out"))));
  for (const char* part : {"moved", "added", "by number"}) CHECK_FALSE(has(told, part));
}

TEST_CASE("new tokens do not take the rows that padded a checkpoint's vocabulary") {
  const Workspace w;
  write_base(w);
  const std::vector<std::string> tokenizer = {"--set", "tokenizer.use=gpt2", "--set", "tokenizer.dir=hf"};
  auto words = tokenizer;
  words.insert(words.end(), {"--set", "model.vocab_size=512"});
  const auto before = table_in(unlearned(w, "padded", words) / "model.safetensors", "wte.weight");
  words = tokenizer;
  words.insert(words.end(), {"--set", "tokenizer.chat_tokens=true", "--set", "model.init_from=ckpt:padded"});
  std::string told;
  const auto after = table_in(unlearned(w, "chat_tokens", words, &told) / "model.safetensors", "wte.weight");
  REQUIRE(after.size() == before.size());
  CHECK(has(told, "; 5 rows added for the tokens "));
  const size_t tokens = nlohmann::json::parse(read(w.path("hf/config.json"))).at("vocab_size");
  for (size_t row = 0; row < before.size(); ++row) {
    CAPTURE(row, tokens);
    CHECK((before[row] == after[row]) == (row < tokens || row >= tokens + 5));
  }
}

TEST_CASE("GPT-2 gets chat tokens and a shorter context in one pipeline, which goes on, samples and is exported") {
  const Workspace w;
  write_base(w);
  const Outcome run = w.gptcore({"run", "chat.toml"});
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  CHECK(has(run.out + run.err, "; 5 rows added for the tokens from "));
  CHECK(has(run.out + run.err, "; the first 8 of its 16 positions"));
  const Outcome on = w.gptcore({"run", "chat.toml", "--max_iters=9"});
  INFO(on.out << on.err);
  CHECK(on.status == 0);
  CHECK(has(on.out, "step 9: "));
  CHECK(w.gptcore({"sample", "runs/chat", "--max-new-tokens", "20"}).status == 0);
  CHECK(w.gptcore({"plan", "chat.toml"}).status == 0);
  CHECK(w.gptcore({"summary", "chat.toml"}).status == 0);
  const Outcome out = w.gptcore({"export", "runs/chat", "--to", "chat-hf"});
  INFO(out.out << out.err);
  CHECK(out.status == 0);
  const auto before = nlohmann::json::parse(read(w.path("hf/config.json"))),
             after = nlohmann::json::parse(read(w.path("chat-hf/config.json")));
  CHECK(after.at("vocab_size") == before.at("vocab_size").get<int>() + 5);
  CHECK(after.at("n_positions") == 8);
}

TEST_CASE("a vocabulary that is given is taken as it is given") {
  const Workspace w;
  write_base(w);
  const int tokens = nlohmann::json::parse(read(w.path("hf/config.json"))).at("vocab_size").get<int>();
  const auto run = [&](int given) {
    return w.gptcore({"run", "chat.toml", "--overwrite", "--set", "model.vocab_size=" + std::to_string(given)});
  };
  CHECK(run(tokens + 20).status == 0);
  const Outcome few = run(tokens), fewer = run(tokens - 1);
  CHECK(refusal(few) == "GC304");
  CHECK(has(few.err, "model.vocab_size must be at least " + std::to_string(tokens + 5)));
  CHECK(refusal(fewer) == "GC106");
  CHECK(has(fewer.err, "a vocabulary can grow and not shrink"));
}

TEST_CASE("import makes room for the tokens of the tokenizer that it is given") {
  const Workspace w;
  write_base(w);
  const Outcome in = w.gptcore({"import", "hf", "--to", "runs/a", "--set", "tokenizer.chat_tokens=true"});
  INFO(in.out << in.err);
  REQUIRE(in.status == 0);
  CHECK(has(in.out + in.err, "; 5 rows added for the tokens from "));
  CHECK(w.gptcore({"sample", "runs/a", "--max-new-tokens", "20", "--temperature", "5"}).status == 0);
}

TEST_CASE("the pipeline of the field report trains") {
  const fs::path pipeline = fs::path(std::getenv("GPTCORE_SOURCE")) / "../shared/faults/gpt2_chat_tokens.toml";
  if (!fs::exists(pipeline)) {
    WARN("skipped: there is no " << pipeline);
    return;
  }
  const Workspace w;
  const Outcome run = w.gptcore({"run", pipeline.string()});
  INFO(run.out << run.err);
  CHECK(run.status == 0);
  CHECK(has(run.out + run.err, "; 5 rows added for the tokens from 50257 on"));
}
