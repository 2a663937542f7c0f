// `config check` refuses what `run` would refuse, at once and with places, and reads no corpus for it.
#include <algorithm>
#include <filesystem>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

struct Broken {
  const char* what;
  const char* from;  // in tiny.toml, replaced by `to`; "" puts `to` at its end
  const char* to;
  const char* code;
  const char* says;
};

constexpr const char* kAdapter = "[[adapter]]\nuse = \"lora\"\n";
constexpr const char* kText = "use = \"text\"\nfiles = [\"input.txt\"]";
constexpr const char* kByte = "[tokenizer]\nuse = \"byte\"\n";
constexpr const char* kStage = "log_interval = 10\n";  // the train stage's last key

std::string changed(const Workspace& w, const std::string& from, const std::string& to) {
  std::string text = read(w.path("tiny.toml"));
  return from.empty() ? text + to : text.replace(text.find(from), from.size(), to);
}

std::string operation(const std::string& keys) {
  return "log_interval = 10\n[[stage.operation]]\n" + keys + "\nwhen = { at_iter = 50 }\n";
}

bool has(const Outcome& outcome, const std::string& part) {
  return outcome.err.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a broken pipeline is refused by check with the code and the reason that run gives") {
  const Workspace w;
  fs::create_directories(w.path("empty"));
  w.write("garbage.model", "this is no SentencePiece model");
  const std::string two_adapters =
      std::string(kAdapter) + "targets = [\"blocks.0.attn.qkv\"]\n" + kAdapter + "targets = [\"blocks.*.attn.*\"]\n";
  const std::string adapter_nowhere = std::string(kAdapter) + "targets = [\"blocks.*.attn.kqv\"]\n";
  const std::string adapter_beyond = std::string(kAdapter) + "targets = [\"attn.2\"]\n";
  const std::string adapter_file = std::string(kAdapter) + "targets = [\"attn.0\"]\nload = \"none.safetensors\"\n";
  const std::string freeze_beyond = operation("use = \"freeze_layer\"\nlayers = [\"attn.2\"]");
  const std::string stack_beyond = operation("use = \"stack_layers\"\nvalue = [0, 1, 2]");
  const std::string widen_text = operation("use = \"widen_mlp\"\nvalue = \"wide\"");
  const std::string rank_of_text = operation("use = \"set_layer_lora_rank\"\nvalue = \"attn.0\"");
  const std::string evaluator = "log_interval = 10\n[[stage.evaluator]]\nuse = \"model_analysis\"\nlayers = []\n";
  const std::string mixture = "use = \"mixture\"\n[[dataset.source]]\nuse = \"text\"\nfiles = [\"none.txt\"]\n";
  const std::string mixture_rule =
      "use = \"mixture\"\n[[dataset.source]]\nuse = \"text\"\nfiles = [\"input.txt\"]\nsha256 = \"0\"\n";
  const std::vector<Broken> all = {
      {"missing data", "\"input.txt\"", "\"nowhere.txt\"", "GC300", "nowhere.txt"},
      {"one of several missing", "[\"input.txt\"]", "[\"input.txt\", \"second.txt\"]", "GC300", "second.txt"},
      {"pattern that fits nothing", "\"input.txt\"", "\"*.nope\"", "GC300", "*.nope"},
      {"missing data of a mixture", kText, mixture.c_str(), "GC300", "none.txt"},
      {"a rule of a mixture's source", kText, mixture_rule.c_str(), "GC106", "sha256 belongs to url"},
      {"no tokenizer", kByte, "", "GC105", "needs a tokenizer"},
      {"missing tokenizer", "use = \"byte\"", "use = \"sentencepiece\"\nmodel = \"none.model\"", "GC300", "none.model"},
      {"tokenizer that is none", "use = \"byte\"", "use = \"sentencepiece\"\nmodel = \"garbage.model\"", "GC303",
       "garbage.model"},
      {"folder without a vocabulary", "use = \"byte\"", "use = \"gpt2\"\ndir = \"empty\"", "GC300", "vocab.bpe"},
      {"tokenizer's rule", "use = \"byte\"", "use = \"gpt2\"\nvocab_bpe = \"input.txt\"", "GC106", "without encoder_json"},
      {"missing token files", kText, "use = \"token_bin\"\npath = \"none\"", "GC300", "none"},
      {"folder without token files", kText, "use = \"token_bin\"\npath = \"empty\"\nvocab_size = 256", "GC300", "train.bin"},
      {"paths that exclude each other", kText, "use = \"token_bin\"\npath = \"empty\"\ntrain = [\"input.txt\"]", "GC106",
       "path is given together with train"},
      {"prepared folder without manifest", kText, "use = \"prepared\"\npath = \"empty\"\npack = \"stream\"", "GC300",
       "manifest"},
      {"hash without url", kText, "use = \"text\"\nfiles = [\"input.txt\"]\nsha256 = \"0\"", "GC106", "sha256 belongs to url"},
      {"vocabulary below the tokenizer's", "n_layer = 2", "n_layer = 2\nvocab_size = 100", "GC304", "size 100"},
      {"weights that are not there", "n_layer = 2\nn_head = 2\nn_embd = 16\nblock_size = 16", "init_from = \"hf:none\"",
       "GC500", "none"},
      {"adapter on no layer", "", adapter_nowhere.c_str(), "GC101", "blocks.*.attn.kqv"},
      {"adapter beyond the last block", "", adapter_beyond.c_str(), "GC101", "the model has 2 blocks, 0 to 1"},
      {"two adapters on a layer", "", two_adapters.c_str(), "GC106", "gets two adapters"},
      {"missing file of adapters", "", adapter_file.c_str(), "GC300", "none.safetensors"},
      {"operation beyond the last block", kStage, freeze_beyond.c_str(), "GC101", "the model has 2 blocks, 0 to 1"},
      {"blocks stacked that are not there", kStage, stack_beyond.c_str(), "GC", "2"},
      {"argument of another type", kStage, widen_text.c_str(), "GC106", "value"},
      {"argument that lacks a part", kStage, rank_of_text.c_str(), "GC106", "value"},
      {"evaluator's rule", kStage, evaluator.c_str(), "GC106", "names no layer"},
      {"tokens an update that no batches make", "gradient_accumulation_steps = 2", "tokens_per_step = 100", "GC106",
       "tokens_per_step"},
      {"operation that never fires", kStage,
       "log_interval = 10\n[[stage.operation]]\nuse = \"set_lr\"\nvalue = 1\nwhen = { at_iter = 500 }\n", "GC106",
       "can never fire"},
      {"operation without a trigger", kStage, "log_interval = 10\n[[stage.operation]]\nuse = \"set_lr\"\nvalue = 1\n", "GC105",
       "when"},
      {"operations file that is not there", kStage, "log_interval = 10\noperations_file = \"none.yaml\"\n", "GC109",
       "none.yaml"},
      {"logger nobody offers", "use = \"jsonl\"", "use = \"wandb\"", "GC101", "wandb"},
      {"plugin that is not there", "[tokenizer]", "[plugins]\nload = [\"./none.so\"]\n[tokenizer]", "GC200", "none.so"},
      {"operation below a sample stage", "max_new_tokens = 40\n",
       "max_new_tokens = 40\n[[stage.operation]]\nuse = \"set_lr\"\nvalue = 1\n", "GC106", "a train stage's"},
  };
  for (const Broken& broken : all) {
    w.write("broken.toml", changed(w, broken.from, broken.to));
    const Outcome check = w.gptcore({"config", "check", "broken.toml"});
    const Outcome run = w.gptcore({"run", "broken.toml"});
    INFO(broken.what << "\ncheck: " << check.err << "run: " << run.err);
    CHECK(check.status != 0);
    CHECK(run.status != 0);
    CHECK(has(check, std::string("error[") + broken.code));
    CHECK(has(check, broken.says));
    CHECK(has(run, broken.says));
    CHECK_FALSE(fs::exists(w.path("out/ckpt")));
  }
}

TEST_CASE("check tells all mistakes at once, also those of files, adapters and operations") {
  const Workspace w;
  w.write("no_run.toml", "[tokenizer]\nuse = \"sentencepiece\"\nmodel = \"none.model\"\n[model]\nn_layr = 2\n");
  const Outcome parts = w.gptcore({"config", "check", "no_run.toml"});
  INFO(parts.err);
  CHECK(lines_with(parts.err, "error[GC").size() == 4);
  CHECK(has(parts, "no [[stage]]"));
  CHECK(has(parts, "needs a [dataset]"));
  CHECK(has(parts, "none.model"));
  CHECK(has(parts, "n_layr"));

  std::string text = changed(w, kStage,
                             operation("use = \"freeze_layer\"\nlayers = [\"attn.7\"]") +
                                 "[[stage.operation]]\nuse = \"widen_mlp\"\nvalue = \"wide\"\nwhen = { at_iter = 60 }\n");
  w.write("many.toml", text + kAdapter + "targets = [\"blocks.9.attn.qkv\"]\n" + kAdapter + "targets = [\"nothing\"]\n");
  const Outcome many = w.gptcore({"config", "check", "many.toml"});
  INFO(many.err);
  CHECK(lines_with(many.err, "many.toml:").size() == 4);
  CHECK(lines_with(many.err, "the model has 2 blocks").size() == 2);
  CHECK(many.status == 2);
}

TEST_CASE("check accepts what runs") {
  const Workspace w;
  w.write("good.toml", changed(w, kStage,
                               operation("use = \"freeze_layer\"\nlayers = [\"attn.1\"]") +
                                   "[[stage.evaluator]]\nuse = \"model_analysis\"\nper_layer = false\n") +
                           kAdapter + "targets = [\"mlp.0\"]\nrank = 2\n");
  const Outcome check = w.gptcore({"config", "check", "good.toml"});
  INFO(check.err);
  CHECK(check.status == 0);
  CHECK(check.out == "good.toml: ok\n");
  CHECK(check.err.empty());
  const Outcome learned = w.gptcore({"config", "check", "good.toml", "--tokenizer.use=char"});
  CHECK(learned.status == 0);
  CHECK(w.gptcore({"config", "check", "good.toml", "--tokenizer.use=gpt2"}).status == 0);
}

TEST_CASE("config keys lists the keys of the program's own tables") {
  const Workspace w;
  const Outcome keys = w.gptcore({"config", "keys"});
  CHECK(keys.status == 0);
  for (const char* part :
       {"[run]", "learning_rate", "[[stage]] with kind = \"sample\"", "undo_if_worse", "at_iter", "[[logger]]"}) {
    INFO(part);
    CHECK(keys.out.find(part) != std::string::npos);
  }
  CHECK(w.gptcore({"config", "keys", "--markdown"}).out.find("## [run]\n") != std::string::npos);
  CHECK(refusal(w.gptcore({"config", "keys", "tiny.toml"})) == "GC001");
}

TEST_CASE("an item that the build left out is answered by how to get it") {
  const Workspace w;
  const fs::path installed = w.path("installed"), built = fs::path(program()).parent_path().parent_path();
  fs::create_directories(installed / "bin");
  fs::create_directories(installed / "lib/gptcore/plugins");
  fs::create_symlink(built / "lib/libgptcore_sdk.so", installed / "lib/libgptcore_sdk.so");
  fs::create_directory_symlink(built / "share", installed / "share");
  fs::copy_file(program(), installed / "bin/gptcore");
  w.write("parquet.toml", "[dataset]\nuse = \"parquet\"\n[[logger]]\nuse = \"none\"\n");
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"config", "show", "parquet.toml"}, {"plugins", "info", "parquet"}}) {
    Command command = w.command(words);
    command.words[0] = (installed / "bin/gptcore").string();
    const Outcome outcome = run(command);
    INFO(outcome.err);
    CHECK(refusal(outcome) == "GC101");
    CHECK(has(outcome, "./dev parquet"));
  }
}
