// nanoGPT's command lines: each key of its train.py and config files does the same here, or is refused with the key to use.
#include "core/config/nanogpt.h"

#include "core/options/gpt_options.h"
#include "core/options/train_options.h"
#include "tests/catch.h"
#include "tests/unit/config/fixture.h"

using namespace gptcore;

namespace {

const char* const kText = R"([dataset]
use = "text"
files = ["a.txt"]
[[stage]]
kind = "train"
warmup_iters = 100
[[stage]]
kind = "sample"
[[logger]]
use = "jsonl"
)";

Value value_after(const std::string& text, const std::string& key) {
  const PipelineConfig c = Fixture(kText).load({text});
  for (const Section* section : {&c.run, &c.model, &c.stages[0].table, &c.stages[1].table})
    if (const Value value = value_of(*section, key); !value.empty()) return value;
  return {};
}

// Its keys that have another form here.
std::vector<std::tuple<std::string, std::string, Value>> meanings() {
  return {
      {"dtype=bfloat16", "precision", "bfloat16"}, {"dtype=float16", "precision", "float16"},
      {"dtype=float32", "precision", "float32"},   {"dtype=bf16", "precision", "bfloat16"},
      {"decay_lr=True", "schedule", "cosine"},     {"decay_lr=False", "schedule", "constant"},
      {"decay_lr=False", "warmup_iters", 0},       {"compile=False", "max_iters", 600000},
      {"wandb_log=False", "max_iters", 600000},
  };
}

}  // namespace

TEST_CASE("nanoGPT's keys of another form mean what they mean there", "[config][nanogpt]") {
  for (const auto& [text, key, expected] : meanings()) {
    INFO(text);
    CHECK(value_after(text, key) == expected);
  }
}

TEST_CASE("nanoGPT's keys mean what they mean there", "[config][nanogpt]") {
  const auto [text, key, expected] = GENERATE(table<std::string, std::string, Value>({
      {"eval_interval=250", "eval_interval", 250},
      {"log_interval=10", "log_interval", 10},
      {"eval_iters=200", "eval_iters", 200},
      {"eval_only=True", "eval_only", true},
      {"always_save_checkpoint=False", "always_save_checkpoint", false},
      {"gradient_accumulation_steps=40", "gradient_accumulation_steps", 40},
      {"batch_size=64", "batch_size", 64},
      {"block_size=256", "block_size", 256},
      {"n_layer=6", "n_layer", 6},
      {"n_head=6", "n_head", 6},
      {"n_embd=384", "n_embd", 384},
      {"dropout=.2", "dropout", 0.2},
      {"bias=False", "bias", false},
      {"learning_rate=1e-3", "learning_rate", 1e-3},
      {"max_iters=5e3", "max_iters", 5000},
      {"max_iters=1_000", "max_iters", 1000},
      {"weight_decay=1e-1", "weight_decay", 0.1},
      {"beta1=.9", "beta1", 0.9},
      {"beta2=.99", "beta2", 0.99},
      {"grad_clip=0", "grad_clip", 0.0},
      {"grad_clip=5.", "grad_clip", 5.0},
      {"warmup_iters=100", "warmup_iters", 100},
      {"lr_decay_iters=5000", "lr_decay_iters", 5000},
      {"min_lr=1e-4", "min_lr", 1e-4},
      {"device=cpu", "device", "cpu"},
      {"device=cuda:1", "device", "cuda:1"},
      {"precision=bf16", "precision", "bfloat16"},
      {"precision=fp32", "precision", "float32"},
      {"num_samples=3", "num_samples", 3},
      {"max_new_tokens=3", "max_new_tokens", 3},
      {"temperature=1.", "temperature", 1.0},
      {"top_k=20", "top_k", 20},
      {"seed=1e3", "seed", 1000},
  }));
  INFO(text);
  CHECK(value_after(text, key) == expected);
}

TEST_CASE("out_dir of the command line counts from the current folder", "[config][nanogpt]") {
  Fixture f(kText);
  CHECK(value_of(f.load({"out_dir=out-shakespeare"}).run, "out_dir") == Value((f.folder.path / "out-shakespeare").string()));
}

TEST_CASE("keys of nanoGPT that cannot be done name the key to use, in one line", "[config][nanogpt]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"init_from=scratch", "leave it out to start from random weights"},
      {"init_from=resume", "leave it out: a run that was stopped continues by itself"},
      {"init_from=gpt2", "download gpt2 from Hugging Face and write hf: and its folder"},
      {"init_from=gpt2-xl", "download gpt2-xl from Hugging Face and write hf: and its folder"},
      {"wandb_log=True", "[[logger]] tables say where curves go; gptcore plugins list names the loggers"},
      {"wandb_project=owt", "leave it out; [[logger]] tables say where curves go"},
      {"wandb_run_name=mini-gpt", "write --run.name=mini-gpt"},
      {"dataset=shakespeare_char",
       "'dataset' is a table; its keys are those of 'text', as dataset.files=VALUE; "
       "dataset.use=NAME takes another of "},
      {"tokenizer=gpt2", "'tokenizer' is a table; write tokenizer.use=NAME, one of "},
      {"logger=wandb", "'logger' is a table; name a key of one, as logger.NAME.KEY=VALUE"},
      {"stage=train", "'stage' is a table; name a key of one, as stage.NAME.KEY=VALUE"},
      {"run=mini", "'run' is a table; name a key of it, as run.KEY=VALUE"},
      {"backend=nccl", "a run is one process; leave it out"},
      {"compile=True", "leave it out"},
      {"device=mps", "'device' expects auto, cpu, cuda or cuda:N"},
      {"dtype=int8", "did you mean 'precision'?"},
      {"lr=1e-3", "did you mean 'learning_rate'?"},
      {"n_layers=3", "did you mean 'n_layer'?"},
      {"max_steps=3", "did you mean 'max_iters'?"},
      {"start=x", "did you mean 'prompt'?"},
      {"max_iters=1.5", "'max_iters' expects an integer, got float 1.5"},
      {"max_iters=1e300", "'max_iters' expects an integer, got float 1e"},
      {"learning_rate=1e", "'learning_rate' expects a float, got string \"1e\""},
  }));
  const Lines lines = Fixture(kText).errors({text});
  INFO(text);
  REQUIRE(lines.size() == 1);
  INFO(lines[0]);
  CHECK(lines[0].starts_with("--set " + text + ": error[GC"));
  CHECK(lines[0].find(expected) != std::string::npos);
}

TEST_CASE("nanoGPT's dtype is a dataset's key where the value is one of its own", "[config][nanogpt]") {
  CHECK(nanogpt_key("dtype", "bfloat16"));
  CHECK_FALSE(nanogpt_key("dtype", "uint16"));
  CHECK_FALSE(nanogpt_key("init_from", "hf:models/gpt2"));
  CHECK_FALSE(nanogpt_key("max_iters", "3"));
}

TEST_CASE("keys of nanoGPT do with a table before them what they do alone", "[config][nanogpt]") {
  const std::string table = GENERATE(as<std::string>{}, "train.", "stage.train.", "run.", "model.");
  for (const auto& [text, key, expected] : meanings()) {
    INFO(table << text);
    CHECK(value_after(table + text, key) == expected);
  }
}

TEST_CASE("keys of nanoGPT that cannot be done say the same alone, with a table, by --set and in a file", "[config][nanogpt]") {
  const auto [key, value, hint] = GENERATE(table<std::string, std::string, std::string>({
      {"init_from", "resume", "leave it out: a run that was stopped continues by itself"},
      {"init_from", "gpt2-xl", "download gpt2-xl from Hugging Face and write hf: and its folder"},
      {"wandb_log", "True", "[[logger]] tables say where curves go"},
      {"wandb_project", "owt", "leave it out; [[logger]] tables say where curves go"},
      {"wandb_run_name", "mini", "mini"},
      {"backend", "nccl", "leave it out"},
      {"compile", "True", "leave it out"},
  }));
  for (const char* table : {"", "train.", "run.", "dataset."}) {
    const Lines lines = Fixture(kText).errors({table + key + "=" + value});
    INFO(table << key);
    REQUIRE(lines.size() == 1);
    CHECK_THAT(lines[0], Catch::Contains(hint));
  }
  const std::string written = value == "True" ? "true" : '"' + value + '"';
  for (const char* before :
       {"", "[run]\n", "[[stage]]\nkind = \"train\"\n", "[dataset]\nuse = \"text\"\nfiles = [\"a.txt\"]\n"}) {
    const Lines lines = Fixture(before + key + " = " + written + "\n").errors();
    INFO(before << key);
    REQUIRE(lines.size() == 1);
    CHECK_THAT(lines[0], Catch::Contains(hint));
  }
}

TEST_CASE("in a file, keys of nanoGPT that have another form here show it as TOML", "[config][nanogpt]") {
  const auto [line, hint] = GENERATE(table<std::string, std::string>({
      {"dtype = \"bf16\"", "write precision = \"bfloat16\" in [run]"},
      {"decay_lr = false", "write schedule = \"constant\" and warmup_iters = 0"},
      {"decay_lr = true", "write schedule = \"cosine\""},
      {"compile = false", "leave it out"},
      {"wandb_log = false", "leave it out"},
      {"wandb_run_name = \"mini\"", "write name = \"mini\" in [run]"},
  }));
  for (const char* before : {"", "[run]\n", "[[stage]]\nkind = \"train\"\n"}) {
    const Lines lines = Fixture(before + line + "\n").errors();
    REQUIRE(lines.size() == 1);
    INFO(lines[0]);
    CHECK(lines[0].ends_with("; " + hint));
  }
  const Lines table = Fixture("dataset = \"shakespeare_char\"\n").errors();
  REQUIRE(table.size() == 1);
  CHECK_THAT(table[0], Catch::EndsWith("; write [dataset] with use, the name of a dataset, and the keys of that"));
}

TEST_CASE("a key and its value as two words are refused with the word to write", "[config][nanogpt]") {
  const auto [key, value, hint] = GENERATE(table<std::string, std::string, std::string>({
      {"learning_rate", "1e-3", "write --learning_rate=1e-3"},
      {"lr", "1e-3", "write --learning_rate=1e-3"},
      {"batchsize", "8", "write --batch_size=8"},
      {"train.learning_rate", "1e-3", "write --train.learning_rate=1e-3"},
      {"eval_only", "True", "write --eval_only=True"},
      {"dtype", "bf16", "write --run.precision=bfloat16"},
      {"train.decay_lr", "False", "write --train.schedule=constant"},
      {"files", "b.txt", "write --files=b.txt"},
      {"train.lr", "1e-3", "did you mean 'learning_rate'?"},
      {"wandb_log", "True", "[[logger]] tables say where curves go"},
  }));
  Fixture f(kText);
  LoadRequest request = f.request();
  request.overrides.push_back({key + "=" + value, "--" + key + " " + value, /*flag=*/false, /*apart=*/true});
  try {
    load_pipeline(request, f.catalog);
    FAIL("accepted");
  } catch (const ConfigErrors& e) {
    INFO(e.what());
    CHECK_THAT(e.errors()[0].line(), Catch::StartsWith("--" + key + " " + value + ": error[GC107]: "));
    CHECK_THAT(e.errors()[0].hint(), Catch::Contains(hint));
  }
}

TEST_CASE("a key alone is a boolean that becomes true", "[config][nanogpt]") {
  Fixture f(kText);
  const auto load = [&](const std::string& key) {
    LoadRequest request = f.request();
    request.overrides.push_back({key, "--" + key, /*flag=*/true});
    return load_pipeline(request, f.catalog);
  };
  const auto line = [&](const std::string& key) {
    try {
      load(key);
    } catch (const ConfigErrors& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  CHECK(std::get<TrainOptions>(load("eval_only").stages[0].options).eval_only);
  CHECK(std::get<TrainOptions>(load("train.eval_only").stages[0].options).eval_only);
  CHECK(line("learning_rate") ==
        "--learning_rate: error[GC107]: 'learning_rate' needs a value, float; write --learning_rate=VALUE");
  CHECK(line("no-such-key").starts_with("--no-such-key: error[GC107]: no key 'no-such-key' in run, model"));
  CHECK(line("compile").starts_with("--compile: error[GC107]: no key 'compile'"));
}

TEST_CASE("a float without fraction is an integer in a file, too", "[config][load]") {
  const Fixture f("[[stage]]\nkind = \"train\"\nmax_iters = 1e3\neval_iters = 20.0\n");
  CHECK(std::get<TrainOptions>(f.load().stages[0].options).max_iters == 1000);
  CHECK(std::get<TrainOptions>(f.load().stages[0].options).eval_iters == 20);
  CHECK(Fixture("[[stage]]\nkind = \"train\"\nmax_iters = 1.5\n").errors().size() == 1);
}

TEST_CASE("Python in a pipeline file is answered by its TOML", "[config][load]") {
  const auto [value, expected] = GENERATE(table<std::string, std::string>({
      {"True", "write true"},
      {"False  # as nanoGPT", "write false"},
      {"None", "leave the key out"},
      {".9", "write 0.9"},
      {"5.", "write 5.0"},
      {"+.5e3", "write 500.0"},
      {"cosine", "write a text in quotes: \"cosine\""},
  }));
  const Lines lines = Fixture("[[stage]]\nkind = \"train\"\nbeta1 = " + value + "\n").errors();
  REQUIRE(lines.size() == 1);
  INFO(lines[0]);
  CHECK(lines[0].starts_with("pipeline.toml:3:"));
  CHECK(lines[0].ends_with("; " + expected));
}

TEST_CASE("a Python file is named as one", "[config][load]") {
  Fixture f;
  f.file = "train_shakespeare_char.py";
  write_raw(*f.file, "# train a miniature model\nout_dir = 'out'\nimport os\n");
  REQUIRE(f.errors().size() == 1);
  CHECK(f.errors()[0].find("is Python, not TOML") != std::string::npos);
}
