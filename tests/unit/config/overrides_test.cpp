#include "core/config/overrides.h"

#include "core/options/gpt_options.h"
#include "core/options/run_options.h"
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
name = "pre-train"
  [[stage.operation]]
  use = "lora"
[[stage]]
kind = "evaluate"
[[logger]]
use = "jsonl"
)";

}  // namespace

TEST_CASE("every spelling of an override reaches its key", "[config][overrides]") {
  const auto [text, path, key, expected] = GENERATE(table<std::string, std::string, std::string, Value>({
      {"train.learning_rate=3e-4", "pre-train", "learning_rate", 3e-4},
      {"stage.pre-train.max_iters=100", "pre-train", "max_iters", 100},
      {"stage.pre_train.max-iters=100", "pre-train", "max_iters", 100},
      {"pre-train.max_iters=100", "pre-train", "max_iters", 100},
      {"learning_rate=3e-4", "pre-train", "learning_rate", 3e-4},
      {"learning-rate=3", "pre-train", "learning_rate", 3.0},
      {"always_save_checkpoint=False", "pre-train", "always_save_checkpoint", false},
      {"eval_only=true", "pre-train", "eval_only", true},
      {"eval_iters=all", "pre-train", "eval_iters", "all"},
      {"schedule=linear", "pre-train", "schedule", "linear"},
      {"schedule=\"wsd\"", "pre-train", "schedule", "wsd"},
      {"evaluate.eval_iters=3", "evaluate", "eval_iters", 3},
      {"run.name=foo", "run", "name", "foo"},
      {"run.name=2024", "run", "name", "2024"},
      {"run.name='bar'", "run", "name", "bar"},
      {"seed=7", "run", "seed", 7},
      {"n_layer=2", "model", "n_layer", 2},
      {"model.preset=gpt2-xl", "model", "n_layer", 48},
      {"bias=False", "model", "bias", false},
      {"dataset.val_fraction=0.25", "dataset", "val_fraction", 0.25},
      {"val_fraction=0.25", "dataset", "val_fraction", 0.25},
      {"dataset.url=https://a/b?c=d", "dataset", "url", "https://a/b?c=d"},
      {"train.operation.0.rank=3", "operation", "rank", 3},
      {"pre-train.operation.lora.rank=3", "operation", "rank", 3},
      {"logger.jsonl.every=5", "logger", "every", 5},
      {"logger.0.every=5", "logger", "every", 5},
  }));
  Fixture f(kText);
  INFO(text);
  const PipelineConfig c = f.load({text});
  const Section& section = path == "run"         ? c.run
                           : path == "model"     ? c.model
                           : path == "dataset"   ? *c.dataset
                           : path == "evaluate"  ? c.stages[1].table
                           : path == "operation" ? c.stages[0].operations[0]
                           : path == "logger"    ? c.loggers[0]
                                                 : c.stages[0].table;
  CHECK(value_of(section, key) == expected);
  if (text.find("preset") == std::string::npos) CHECK(origin_of(section, key) == "--set " + text);
}

TEST_CASE("an override that fits nothing says what was meant", "[config][overrides]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"train.learnin_rate=3",
       "--set train.learnin_rate=3: error[GC107]: a train stage has no parameter 'learnin_rate'; did you mean "
       "'learning_rate'?"},
      {"learnin_rate=3",
       "--set learnin_rate=3: error[GC107]: no key 'learnin_rate' in run, model, dataset, tokenizer or a stage; did you "
       "mean 'learning_rate'?"},
      {"wandb_entity=me", "--set wandb_entity=me: error[GC107]: no key 'wandb_entity' in"},
      {"modle.n_layer=3", "--set modle.n_layer=3: error[GC107]: no table or stage 'modle'; did you mean 'model'?"},
      {"stage.pretrian.max_iters=3",
       "--set stage.pretrian.max_iters=3: error[GC107]: no table or stage 'pretrian'; did you mean 'pre-train'?"},
      {"sample.top_k=3", "--set sample.top_k=3: error[GC107]: the pipeline has no sample stage"},
      {"dataset=text",
       "--set dataset=text: error[GC107]: 'dataset' is a table; its keys are those of 'text', as dataset.files=VALUE"},
      {"model.a.b=3", "--set model.a.b=3: error[GC107]: 'model' is followed by one key"},
      {"logger.every=3", "--set logger.every=3: error[GC107]: write logger.NAME.KEY=VALUE"},
      {"logger.jsnol.every=3", "--set logger.jsnol.every=3: error[GC107]: no logger 'jsnol'; did you mean 'jsonl'?"},
      {"train.operation.1.rank=3", "--set train.operation.1.rank=3: error[GC107]: no operation '1'; there are lora"},
      {"train.x.y=3", "--set train.x.y=3: error[GC107]: write train.KEY=VALUE"},
      {"learning_rate", "--set learning_rate: error[GC107]: an override expects KEY=VALUE"},
      {"=3", "--set =3: error[GC107]: an override expects KEY=VALUE"},
      {"n_layer=abc", "--set n_layer=abc: error[GC103]: 'n_layer' expects an integer, got string \"abc\""},
      {"n_layer=0", "--set n_layer=0: error[GC104]: 'n_layer' expects 1..10000, got 0"},
      {"n_layer=1\nn_head = 1", "--set n_layer=1\\nn_head = 1: error[GC103]"},
      {"n_head=7", "--set n_head=7: error[GC106]: n_embd = 768 is not divisible by n_head = 7"},
      {"dataset.files=b.txt",
       "--set dataset.files=b.txt: error[GC103]: 'files' expects a list of paths, got string \"b.txt\"; write [\"b.txt\"]"},
      {"dataset.use=texd", "--set dataset.use=texd: error[GC101]: no dataset 'texd'; did you mean 'text'?"},
      {"run.name=${GPTCORE_NOT_SET}", "--set run.name=${GPTCORE_NOT_SET}: error[GC108]"},
  }));
  Fixture f(kText);
  const Lines lines = f.errors({text});
  INFO(text);
  REQUIRE(lines.size() == 1);
  INFO(lines[0]);
  CHECK(lines[0].starts_with(expected));
}

TEST_CASE("a key that several tables have must be named with its table", "[config][overrides]") {
  Fixture f("[[stage]]\nkind = \"train\"\nname = \"a\"\n[[stage]]\nkind = \"train\"\nname = \"b\"\n");
  CHECK(f.errors({"max_iters=3"}) ==
        Lines{"--set max_iters=3: error[GC107]: 'max_iters' is a key of a and of b; write a.max_iters=VALUE"});
  CHECK(f.errors({"train.max_iters=3"}) ==
        Lines{"--set train.max_iters=3: error[GC107]: 'train' names more than one stage; name one of a, b"});
  CHECK(std::get<TrainOptions>(f.load({"b.max_iters=3"}).stages[1].options).max_iters == 3);
}

TEST_CASE("an override makes the table that the file lacks", "[config][overrides]") {
  Fixture f;
  const PipelineConfig c = f.load({"dataset.files=[\"x\"]", "model.preset=gpt2", "dataset.use=text", "learning_rate=1e-3",
                                   "logger.jsonl.every=2", "train.batch_size=3"});
  CHECK(c.model.as<GptOptions>().n_embd == 768);
  CHECK(c.model.as<GptOptions>().vocab_size == 50257);
  REQUIRE(c.dataset);
  REQUIRE(c.stages.size() == 1);
  CHECK(std::get<TrainOptions>(c.stages[0].options).learning_rate == 1e-3);
  CHECK(std::get<TrainOptions>(c.stages[0].options).batch_size == 3);
  REQUIRE(c.loggers.size() == 1);
  CHECK(c.loggers[0].use == "jsonl");
  CHECK(
      f.errors({"dataset.files=[\"x\"]"})[0].starts_with("--set dataset.files=[\"x\"]: error[GC105]: the dataset needs 'use'"));
}

TEST_CASE("a pipeline with stages gets no train stage from an override", "[config][overrides]") {
  Fixture f("[[stage]]\nkind = \"sample\"\n");
  CHECK(f.errors({"train.max_iters=3"})[0].find("the pipeline has no train stage") != std::string::npos);
  CHECK(f.errors({"max_iters=3"})[0].find("no key 'max_iters'") != std::string::npos);
}

TEST_CASE("the last of two overrides holds", "[config][overrides]") {
  CHECK(Fixture(kText).load({"seed=1", "run.seed=2"}).run.as<RunOptions>().seed == 2);
}

TEST_CASE("another use brings its own keys", "[config][overrides]") {
  Fixture f("[dataset]\nuse = \"text\"\n");
  CHECK(f.load({"dataset.folder=d", "dataset.use=token_bin"}).dataset->use == "token_bin");
}

TEST_CASE("mistakes of the command line come after those of the file", "[config][overrides]") {
  const Lines lines = Fixture("[modle]\n").errors({"x=1", "n_layer=0"});
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].starts_with("pipeline.toml:1:1"));
  CHECK(lines[1].starts_with("--set x=1"));
}
