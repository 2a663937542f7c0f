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
constexpr const char* kInput = "\"input.txt\"";
constexpr const char* kPrompt = "prompt = \"the \"";
constexpr const char* kShape = "n_layer = 2\nn_head = 2\nn_embd = 16\nblock_size = 16";
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

// "GC300 4 placed" of the first error.
std::string verdict(const Outcome& outcome) {
  for (const std::string& line : lines_with(outcome.err, "error[")) {
    const size_t mark = line.find("error[");
    return line.substr(mark + 6, line.find(']', mark) - mark - 6) + " " + std::to_string(outcome.status) +
           (mark > 2 ? " placed" : " without a place");
  }
  return "no error, " + std::to_string(outcome.status);
}

// Runs check and run on broken.toml and compares what they say; nothing is trained and nothing is left behind.
void refused_alike(const Workspace& w, const Broken& broken) {
  const Outcome check = w.gptcore({"config", "check", "broken.toml"});
  const Outcome run = w.gptcore({"run", "broken.toml"});
  INFO(broken.what << "\ncheck: " << check.err << "run: " << run.err);
  CHECK(check.status != 0);
  CHECK(has(check, std::string("error[") + broken.code));
  CHECK(has(check, broken.says));
  CHECK(has(run, broken.says));
  CHECK(verdict(check) == verdict(run));
  CHECK(verdict(run).ends_with(" placed"));
  CHECK_FALSE(fs::exists(w.path("out/ckpt")));
  CHECK_FALSE(fs::exists(w.path("out/metrics.jsonl")));
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
  const auto untied = [](const std::string& targets) {
    return kAdapter + ("targets = " + targets + "\n[model]\ntie_word_embeddings = false\n");
  };
  const std::string adapter_on_head = untied("[\"lm_head\"]");
  const std::string adapter_on_head_too = untied("[\"wte\", \"lm_head\"]");
  const std::string adapter_on_norm = std::string(kAdapter) + "targets = [\"attn.0\", \"ln_f\"]\n";
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
      {"adapter on a head of its own", "[model]\n", adapter_on_head.c_str(), "GC400", "'lm_head' takes no adapter"},
      {"adapter on the embedding and a head of its own", "[model]\n", adapter_on_head_too.c_str(), "GC400",
       "'lm_head' takes no adapter"},
      {"adapter on a norm", "", adapter_on_norm.c_str(), "GC400", "'ln_f' takes no adapter"},
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
    refused_alike(w, broken);
  }
}

TEST_CASE("what a run would find after its training is refused before it, by check and by run") {
  const Workspace w;
  fs::create_directories(w.path("empty"));
  w.write("tokens.bin", std::string(4000, '\1'));
  const std::string control = operation("use = \"set_curriculum_alpha\"\nvalue = 0.5");
  const std::string nowhere = std::string(kStage) + "[[stage.evaluator]]\nuse = \"model_analysis\"\nlayers = [\"atn.0\"]\n";
  const std::string beyond = std::string(kStage) + "[[stage.evaluator]]\nuse = \"model_analysis\"\nlayers = [\"attn.7\"]\n";
  const std::string tokens = "use = \"token_bin\"\ntrain = [\"tokens.bin\"]\nvocab_size = 300";
  const std::vector<Broken> all = {
      {"prompt's file that is not there", kPrompt, "prompt = \"FILE:none.txt\"", "GC300", "none.txt"},
      {"prompt's file that is a folder", kPrompt, "prompt = \"FILE:empty\"", "GC300", "is a folder"},
      {"prompt without a token", kPrompt, "prompt = \"\"", "GC001", "has no token"},
      {"control that the data has not", kStage, control.c_str(), "GC102", "no control 'curriculum_alpha'"},
      {"evaluator on no layer", kStage, nowhere.c_str(), "GC101", "did you mean 'attn.0'?"},
      {"evaluator beyond the last block", kStage, beyond.c_str(), "GC101", "the model has 2 blocks, 0 to 1"},
  };
  for (const Broken& broken : all) {
    w.write("broken.toml", changed(w, broken.from, broken.to));
    refused_alike(w, broken);
  }
  std::string text = changed(w, "\n[model]", "val_fraction = 0\n[model]");
  w.write("broken.toml", text.insert(text.find("[[stage]]\nkind = \"sample\""), "[[stage]]\nkind = \"evaluate\"\n\n"));
  refused_alike(w, {"evaluation of a split that is not there", "", "", "GC301", "no val split"});
  text = changed(w, "use = \"byte\"", "use = \"char\"");
  w.write("broken.toml", text.replace(text.find("the \"\nmax_new"), 4, "th\u65e5"));
  refused_alike(w, {"prompt of other characters", "", "", "GC305", "(U+65E5)"});
  text = changed(w, kText, tokens.c_str());
  w.write("broken.toml", text.replace(text.find("[tokenizer]\nuse = \"byte\"\n"), 25, ""));
  refused_alike(w, {"sample without a tokenizer", "", "", "GC105", "has no [tokenizer]"});
}

TEST_CASE("a setting that an operation cannot give its stage is refused before the run, by check and by run") {
  const Workspace w;
  struct Case {
    const char *from, *to;  // besides the operation
    const char* operation;
    const char* code;
    const char* says;
  };
  const std::vector<Case> cases = {
      {"gradient_accumulation_steps = 2", "tokens_per_step = 128", "use = \"change_batch_size\"\nvalue = 3.0", "GC106",
       "tokens_per_step"},
      {"gradient_accumulation_steps = 2", "tokens_per_step = 128", "use = \"set_batch_size\"\nvalue = 3", "GC106",
       "tokens_per_step"},
      {"gradient_accumulation_steps = 2", "tokens_per_step = 128", "use = \"set_grad_accum\"\nvalue = 3", "GC106",
       "tokens_per_step"},
      {"gradient_accumulation_steps = 2", "tokens_per_step = 128", "use = \"change_grad_accum\"\nvalue = 3.0", "GC106",
       "tokens_per_step"},
      {"min_lr = 1e-3\n", "min_lr = 1e-3\n", "use = \"change_lr\"\nvalue = 1e9", "GC", "learning_rate"},
      {"warmup_iters = 5", "warmup_iters = 5\nlr_decay_iters = 40", "use = \"set_warmup_iters\"\nvalue = 1000", "GC106",
       "lr_decay_iters"},
      {"eval_iters = 2", "eval_iters = 2", "use = \"change_eval_iters\"\nvalue = 1e300", "GC104", "more than a count may be"},
      {"eval_iters = 2", "eval_iters = \"all\"", "use = \"change_eval_iters\"\nvalue = 2.0", "GC106",
       "'eval_iters' is not a number now"},
  };
  for (const Case& c : cases) {
    std::string text = changed(w, kStage, operation(c.operation));
    w.write("broken.toml", text.replace(text.find(c.from), std::string(c.from).size(), c.to));
    refused_alike(w, {c.operation, "", "", c.code, c.says});
  }
}

TEST_CASE("an operation's setting is checked where the data is too large to be read for its vocabulary") {
  const Workspace w;
  std::string large;
  while (large.size() <= (size_t{2} << 20)) large += read(w.path("input.txt"));
  w.write("input.txt", large);
  const std::string text = changed(w, kStage, operation("use = \"set_warmup_iters\"\nvalue = 1000"));
  w.write("broken.toml", std::string(text)
                             .replace(text.find("warmup_iters = 5"), 0, "lr_decay_iters = 40\n")
                             .replace(text.find("use = \"byte\""), 12, "use = \"char\""));
  refused_alike(w, {"warm-up beyond the decay", "", "", "GC106", "lr_decay_iters"});
}

TEST_CASE("files that run refuses at its start are refused by check with the same code, status and a place") {
  const Workspace w;
  fs::create_directories(w.path("empty"));
  fs::create_directories(w.path("bare"));
  fs::create_directories(w.path("damaged"));
  const std::string config =
      R"({"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 16, "vocab_size": 256})";
  w.write("bare/config.json", config);
  w.write("damaged/config.json", config);
  w.write("damaged/model.safetensors", "no tensors");
  w.write("a_file", "x");
  w.write("empty.txt", "");
  w.write("short.txt", "ab");
  w.write("utf16.txt", std::string("\xff\xfe") + std::string("a\0b\0c\0", 6));
  w.write("few.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n");
  w.write("many.jsonl", "{\"text\": \"one document of more than sixteen bytes\"}\n");
  w.write("broken.jsonl", "{\"text\": \n");
  const auto adapter_of = [](const std::string& file) {
    return std::string(kAdapter) + "targets = [\"attn.0\"]\nload = \"" + file + "\"\n";
  };
  const std::string missing = adapter_of("none.safetensors"), garbage = adapter_of("a_file"), folder = adapter_of("empty");
  const std::string mixture = "use = \"mixture\"\n[[dataset.source]]\nuse = \"text\"\nfiles = [\"short.txt\"]\n";
  const std::vector<Broken> all = {
      {"no files", "files = [\"input.txt\"]", "files = []", "GC106", "neither files nor url is given"},
      {"no files of documents", kText, "use = \"jsonl\"\nfiles = []", "GC106", "neither files nor urls is given"},
      {"no token files", kText, "use = \"token_bin\"\ntrain = []", "GC106", "neither path nor train is given"},
      {"hash that is none", "files = [\"input.txt\"]", "url = \"https://a.b/c\"\nsha256 = \"0\"", "GC001", "64 hex digits"},
      {"folder without text", kInput, "\"empty\"", "GC301", "no text file in the folder"},
      {"empty text", kInput, "\"empty.txt\"", "GC301", "the text is empty"},
      {"short text", kInput, "\"short.txt\"", "GC302", "needs at least 17"},
      {"text in UTF-16", kInput, "\"utf16.txt\"", "GC303", "UTF-16"},
      {"val split below block_size", "block_size = 16", "block_size = 4096", "GC302", "the val split has 2000 tokens"},
      {"short text of a mixture", kText, mixture.c_str(), "GC302", "needs at least 17"},
      {"folder without documents", kText, "use = \"jsonl\"\nfiles = [\"empty\"]", "GC300", ".jsonl"},
      {"documents without a token", kText, "use = \"jsonl\"\nfiles = [\"empty.txt\"]", "GC301", "has a token"},
      {"documents that are none", kText, "use = \"jsonl\"\nfiles = [\"broken.jsonl\"]", "GC303", "is not JSON"},
      {"too few documents", kText, "use = \"jsonl\"\nfiles = [\"few.jsonl\"]", "GC302", "needs at least 17"},
      {"special token that is none", kText, "use = \"jsonl\"\nfiles = [\"few.jsonl\"]\nend_of_text = \"<zz>\"", "GC106",
       "<zz>"},
      {"cache below a file", kText, "use = \"jsonl\"\nfiles = [\"many.jsonl\"]\nval_fraction = 0\ncache = \"a_file/cache\"",
       "GC900", "is not a folder"},
      {"prepared folder that is empty", kText, "use = \"prepared\"\npath = \"empty\"", "GC300", "manifest.json"},
      {"prepared folder that is a file", kText, "use = \"prepared\"\npath = \"a_file\"", "GC300", "manifest.json"},
      {"token file's folder that is a file", kText, "use = \"token_bin\"\npath = \"a_file\"", "GC300", "train.bin"},
      {"results where a file is", "out_dir = \"out\"", "out_dir = \"a_file\"", "GC900", "a file of that name is in the way"},
      {"results below a file", "out_dir = \"out\"", "out_dir = \"a_file/out\"", "GC900", "is not a folder"},
      {"tokens prepared below a file", "kind = \"sample\"",
       "kind = \"prepare\"\nout = \"a_file/x\"\n[[stage]]\nkind = \"sample\"", "GC900", "is not a folder"},
      {"weights that are not there", kShape, "init_from = \"hf:none\"", "GC500", "none"},
      {"checkpoint that is not there", kShape, "init_from = \"ckpt:none\"", "GC500", "none"},
      {"model of no such form", kShape, "init_from = \"zz\"", "GC104", "expects hf:DIR or ckpt:PATH"},
      {"folder without weights", kShape, "init_from = \"hf:bare\"", "GC500", "neither model.safetensors nor"},
      {"damaged weights", kShape, "init_from = \"hf:damaged\"", "GC501", "model.safetensors"},
      {"adapters that are not there", "", missing.c_str(), "GC300", "none.safetensors"},
      {"adapters that are none", "", garbage.c_str(), "GC501", "a_file"},
      {"adapters that are a folder", "", folder.c_str(), "GC300", "empty"},
      {"vocabulary that is a folder", "use = \"byte\"", "use = \"sentencepiece\"\nmodel = \"empty\"", "GC30", "empty"},
      {"two loggers alike", "", "[[logger]]\nuse = \"jsonl\"\n", "GC106", "would be written twice"},
      {"a name that another stage gets", "kind = \"sample\"", "kind = \"sample\"\nname = \"train\"", "GC106",
       "'train' is also what the train stage without a name is called (broken.toml:21:1)"},
  };
  for (const Broken& broken : all) {
    w.write("broken.toml", changed(w, broken.from, broken.to));
    refused_alike(w, broken);
    const Outcome check = w.gptcore({"config", "check", "broken.toml"});
    INFO(broken.what << "\n" << check.err);
    CHECK(lines_with(check.err, "error[").size() == 1);
    CHECK(check.err.starts_with("broken.toml:"));
  }
}

TEST_CASE("a prompt's file stands beside its pipeline file, that of the command line in the current folder") {
  const Workspace w;
  fs::create_directories(w.path("elsewhere"));
  w.write("prompts.txt", "the bird");
  w.write("elsewhere/here.txt", "the mat");
  w.write("file.toml", changed(w, kPrompt, "prompt = \"FILE:prompts.txt\""));
  Command command = w.command({"run", "../file.toml", "--set", "train.max_iters=2"});
  command.folder = w.path("elsewhere");
  const Outcome beside = run(command);
  INFO(beside.err);
  CHECK(beside.status == 0);
  CHECK(beside.out.find("--- sample\nthe bird") != std::string::npos);
  CHECK(read(w.path("out/config.toml")).find("FILE:" + w.path("prompts.txt").string()) != std::string::npos);
  command.words.insert(command.words.end(), {"--set", "sample.prompt=FILE:here.txt", "--overwrite"});
  const Outcome given = run(command);
  INFO(given.err);
  CHECK(given.out.find("--- sample\nthe mat") != std::string::npos);
  command.words = {program(), "sample", "out", "--prompt", "FILE:elsewhere/here.txt", "--max-new-tokens", "1"};
  command.folder = w.folder();
  CHECK(run(command).status == 0);
}

TEST_CASE("a device that is not there is named by its flag, with what is there") {
  const Workspace w;
  for (const auto& words : std::vector<std::vector<std::string>>{{"config", "check", "tiny.toml", "--device=cuda:99"},
                                                                 {"run", "tiny.toml", "--device=cuda:99"}}) {
    const Outcome outcome = w.gptcore(words);
    INFO(outcome.err);
    CHECK(refusal(outcome) == "GC104");
    CHECK(outcome.err.starts_with("--device=cuda:99: error["));
    CHECK(has(outcome, "this machine offers cpu"));
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
