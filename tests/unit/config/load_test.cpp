#include "core/config/load.h"

#include <cstdlib>

#include "core/options/gpt_options.h"
#include "tests/catch.h"
#include "tests/unit/config/fixture.h"

using namespace gptcore;

namespace {

const char* const kGood = R"([run]
name = "shakespeare"
[tokenizer]
use = "char"
[dataset]
use = "text"
files = ["data/input.txt"]
[model]
n_layer = 6
n_head = 6
n_embd = 384
[[stage]]
kind = "train"
max_iters = 10
learning_rate = 1
eval_iters = "all"
[[stage.operation]]
use = "lora"
rank = 4
when = { loss_below = 2.1, after_iters = 5000 }
[[stage]]
kind = "sample"
[[stage]]
kind = "train"
[[logger]]
use = "jsonl"
)";

// The only error of a file with this text.
std::string error_of(const std::string& text) {
  const Lines lines = Fixture(text).errors();
  return lines.size() == 1 ? lines[0] : std::to_string(lines.size()) + " errors";
}

}  // namespace

TEST_CASE("a pipeline file becomes tables with every key", "[config][load]") {
  Fixture f(kGood);
  const PipelineConfig c = f.load();
  CHECK(c.file == (f.folder.path / "pipeline.toml").string());
  CHECK(value_of(c.run, "name") == Value("shakespeare"));
  CHECK(value_of(c.run, "seed") == Value(1337));
  REQUIRE(c.dataset);
  CHECK(c.dataset->use == "text");
  CHECK(c.dataset->path == "dataset");
  CHECK(c.model.use == "gpt");
  CHECK(c.model.location.text() == "pipeline.toml:8:1");
  REQUIRE(c.stages.size() == 3);
  CHECK(c.stages[0].name == "train");
  CHECK(c.stages[1].name == "sample");
  CHECK(c.stages[2].name == "train-2");
  CHECK(c.stages[2].table.path == "stage.train-2");
  CHECK(c.stages[0].table.location.text() == "pipeline.toml:12:1");
  CHECK(value_of(c.stages[0].table, "learning_rate") == Value(1.0));
  CHECK(value_of(c.stages[0].table, "eval_iters") == Value("all"));
  CHECK(value_of(c.stages[0].table, "lr_decay_iters").empty());
  REQUIRE(c.stages[0].operations.size() == 1);
  CHECK(c.stages[0].operations[0].path == "stage.train.operation.0");
  CHECK(value_of(c.stages[0].operations[0], "rank") == Value(4));
  REQUIRE(c.loggers.size() == 1);
  CHECK(c.loggers[0].path == "logger.0");
  CHECK(c.run.values.size() == c.run.origins.size());
}

TEST_CASE("five mistakes are five errors, in file order", "[config][load]") {
  Fixture f(R"([run]
seed = -1

[[stage]]
kind = "train"
  [[stage.operation]]
  use ="lorra"
  [[stage.operation]]
  use = "lora"
  rnak = 4
  alpha = "sixteen"

[modle]
n_layer = 2
)");
  CHECK(f.errors() == Lines{"pipeline.toml:2:8: error[GC104]: 'seed' expects >=0, got -1",
                            "pipeline.toml:7:8: error[GC101]: no operation 'lorra'; did you mean 'lora'?",
                            "pipeline.toml:10:3: error[GC102]: operation 'lora' has no parameter 'rnak'; did you mean 'rank'?",
                            "pipeline.toml:11:11: error[GC103]: 'alpha' expects a float, got string \"sixteen\"",
                            "pipeline.toml:13:1: error[GC102]: no table 'modle'; did you mean 'model'?"});
}

TEST_CASE("each kind of mistake is located", "[config][load]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"[model]\nn_layer = \n", "pipeline.toml:2:11: error[GC100]"},
      {"[model]\nn_layer = 99999999999999999999\n", "pipeline.toml:2:31: error[GC100]"},
      {"[model]\nn_layer = 2\nn_layer = 3\n", "pipeline.toml:3:"},
      {"\xff\xfe", "pipeline.toml:1:1: error[GC100]"},
      {"seed = 3\n", "pipeline.toml:1:1: error[GC102]: the key 'seed' is outside every table"},
      {"stage = 3\n", "pipeline.toml:1:1: error[GC103]: 'stage' expects an array of tables; write [[stage]]"},
      {"[stage]\nkind = \"train\"\n", "pipeline.toml:1:2: error[GC103]: 'stage' expects an array of tables; write [[stage]]"},
      {"[[run]]\nseed = 1\n", "pipeline.toml:1:3: error[GC103]: 'run' expects a table; write [run]"},
      {"model = 3\n", "pipeline.toml:1:1: error[GC103]: 'model' expects a table; write [model]"},
      {"[[stage]]\nmax_iters = 3\n",
       "pipeline.toml:1:1: error[GC105]: a stage needs 'kind'; there are train, evaluate, sample"},
      {"[[stage]]\nkind = \"trian\"\n", "pipeline.toml:2:8: error[GC101]: no stage kind \"trian\"; did you mean 'train'?"},
      {"[[stage]]\nkind = \"export\"\n",
       "pipeline.toml:2:8: error[GC101]: no stage kind \"export\"; there are train, evaluate, sample, prepare"},
      {"[[stage]]\nkind = 3\n", "pipeline.toml:2:8: error[GC103]: 'kind' expects a string, got integer"},
      {"[[stage]]\nkind = \"train\"\nname = \"A b\"\n", "pipeline.toml:3:8: error[GC104]: 'name' expects a-z"},
      {"[[stage]]\nkind = \"train\"\nname = \"model\"\n",
       "pipeline.toml:3:8: error[GC106]: 'model' is the name of a table of its own, not of a stage; rename the stage"},
      {"[[stage]]\nkind = \"train\"\nname = 3\n", "pipeline.toml:3:8: error[GC103]: 'name' expects a string"},
      {"[[stage]]\nkind = \"train\"\nname = \"a\"\n[[stage]]\nkind = \"sample\"\nname = \"a\"\n",
       "pipeline.toml:6:8: error[GC106]: two stages are named 'a'"},
      {"[[stage]]\nkind = \"train\"\nmax_iter = 3\n",
       "pipeline.toml:3:1: error[GC102]: a train stage has no parameter 'max_iter'; did you mean 'max_iters'?"},
      {"[dataset]\nfiles = []\n",
       "pipeline.toml:1:1: error[GC105]: the dataset needs 'use', its name; there are text, token_bin"},
      {"[dataset]\nuse = 3\n", "pipeline.toml:2:7: error[GC103]: 'use' expects a string, got integer"},
      {"[dataset]\nuse = \"text\"\n",
       "pipeline.toml:1:1: error[GC105]: dataset 'text' needs 'files', what to read; add files = list of paths"},
      {"[dataset]\nuse = \"text\"\nfiles = \"a.txt\"\n",
       "pipeline.toml:3:9: error[GC103]: 'files' expects a list of paths, got string \"a.txt\"; write [\"a.txt\"]"},
      {"[dataset]\nuse = \"text\"\nfiles = 2020-01-01\n",
       "pipeline.toml:3:9: error[GC103]: dates and times are not allowed here"},
      {"[model]\nuse = \"gtp\"\n", "pipeline.toml:2:7: error[GC101]: no model 'gtp'; did you mean 'gpt'?"},
      {"[model]\npreset = \"gpt2-xll\"\n",
       "pipeline.toml:2:10: error[GC104]: 'preset' expects one of gpt2 | gpt2-medium | gpt2-large | gpt2-xl | gpt2-xs | "
       "gpt2-xxs, "
       "got \"gpt2-xll\"; did you mean 'gpt2-xl'?"},
      {"[model]\nn_head = 5\nn_embd = 64\n",
       "pipeline.toml:3:1: error[GC106]: n_embd = 64 is not divisible by n_head = 5; make n_embd a multiple of n_head"},
      {"[model]\nn_head = 5\n", "pipeline.toml:1:1: error[GC106]: n_embd = 768 is not divisible by n_head = 5"},
      {"[[logger]]\nuse = \"wandb\"\n", "pipeline.toml:2:7: error[GC101]: no logger 'wandb'; there are jsonl, console"},
      {"[run]\nname = \"${GPTCORE_NOT_SET}\"\n",
       "pipeline.toml:2:8: error[GC108]: the environment variable 'GPTCORE_NOT_SET' is not set"},
      {"[run]\nname = \"${oops\"\n", "pipeline.toml:2:8: error[GC108]: '${' without its '}'"},
      {"[plugins]\nload = [\"libmine.so\"]\n",
       "pipeline.toml:2:8: error[GC104]: 'load' expects paths, got the bare name \"libmine.so\"; write \"./libmine.so\""},
      {"[plugins]\nlaod = []\n", "pipeline.toml:2:1: error[GC102]: [plugins] has no parameter 'laod'; did you mean 'load'?"},
      {"[[stage]]\nkind = \"train\"\n[[stage.operation]]\nuse = \"lora\"\nwhen = { loss = 2 }\n",
       "pipeline.toml:5:1: error[GC106]: 'when' has no condition 'loss'"},
      {"[[stage]]\nkind = \"train\"\n[stage.operation]\nuse = \"lora\"\n",
       "pipeline.toml:3:8: error[GC103]: 'stage.operation' expects an array of tables; write [[stage.operation]]"},
  }));
  INFO(text);
  const std::string found = error_of(text);
  INFO(found);
  CHECK(found.starts_with(expected));
}

TEST_CASE("a file that cannot be a pipeline is refused in one line", "[config][load]") {
  Fixture f;
  write_raw("large.toml", std::string(5 << 20, '#'));
  const auto [file, expected] =
      GENERATE(table<std::string, std::string>({{"none.toml", "none.toml: error[GC109]: no such file"},
                                                {".", ".: error[GC109]: is a folder"},
                                                {"large.toml", "large.toml: error[GC109]: is over 4 MiB"}}));
  f.file = file;
  REQUIRE(f.errors().size() == 1);
  CHECK(f.errors()[0].starts_with(expected));
}

TEST_CASE("an empty file and no file at all are pipelines of defaults", "[config][load]") {
  CHECK(Fixture("").load().model.as<GptOptions>().n_layer == 12);
  CHECK(Fixture().load().file.empty());
}

TEST_CASE("a run needs a dataset and a stage", "[config][load]") {
  Fixture f("[run]\n");
  const auto load_for_run = [](const Fixture& fixture) {
    LoadRequest request = fixture.request();
    request.for_run = true;
    load_pipeline(request, fixture.catalog);
  };
  try {
    load_for_run(f);
    FAIL("accepted");
  } catch (const ConfigErrors& e) {
    REQUIRE(e.errors().size() == 2);
    CHECK(e.errors()[0].line().starts_with("pipeline.toml: error[GC105]: nothing to run"));
    CHECK(e.errors()[1].line().find("needs a [dataset]") != std::string::npos);
  }
  CHECK_NOTHROW(load_for_run(Fixture(kGood)));
}

TEST_CASE("environment variables are replaced in every string", "[config][load]") {
  ::setenv("GPTCORE_TEST_NAME", "from-env", 1);
  Fixture f(R"([run]
name = "a-${GPTCORE_TEST_NAME}"
[dataset]
use = "text"
files = ["${GPTCORE_TEST_NAME}/x.txt"]
url = "$${HOME} costs $5"
)");
  const PipelineConfig c = f.load();
  CHECK(value_of(c.run, "name") == Value("a-from-env"));
  CHECK(value_of(*c.dataset, "files") == Value(List{(f.folder.path / "from-env/x.txt").string()}));
  CHECK(value_of(*c.dataset, "url") == Value("${HOME} costs $5"));
}

TEST_CASE("relative paths count from the file's folder, those of the command line from the current one", "[config][load]") {
  Fixture f;
  std::filesystem::create_directory("sub");
  f.file = "sub/p.toml";
  write_raw("sub/p.toml", R"([run]
out_dir = "../out"
[dataset]
use = "text"
files = ["data/*.txt", "/abs/b.txt", "s3://bucket/c.txt"]
url = "relative/text"
[[logger]]
use = "jsonl"
)");
  const std::string here = f.folder.path.string();
  PipelineConfig c = f.load();
  CHECK(value_of(c.run, "out_dir") == Value(here + "/out"));
  CHECK(value_of(*c.dataset, "files") == Value(List{here + "/sub/data/*.txt", "/abs/b.txt", "s3://bucket/c.txt"}));
  CHECK(value_of(*c.dataset, "url") == Value("relative/text"));
  CHECK(value_of(c.loggers[0], "file") == Value(here + "/sub/metrics.jsonl"));
  c = f.load({"dataset.files=[\"d.txt\"]", "run.out_dir=o"});
  CHECK(value_of(*c.dataset, "files") == Value(List{here + "/d.txt"}));
  CHECK(value_of(c.run, "out_dir") == Value(here + "/o"));
  CHECK(value_of(Fixture("").load().run, "out_dir") == Value(""));
}

TEST_CASE("errors show the path as it was given", "[config][load]") {
  Fixture f("[modle]\n");
  f.file = "./pipeline.toml";
  CHECK(f.errors()[0].starts_with("./pipeline.toml:1:1: "));
}

TEST_CASE("plugin files are known before any catalog", "[config][load]") {
  Fixture f("[plugins]\nload = [\"./a.so\", \"/abs/b.so\", \"./a.so\"]\n[dataset]\nuse = \"of_a_plugin\"\n");
  const std::string here = f.folder.path.string();
  LoadRequest request = f.request();
  request.plugin_files = {"sub/../c.so"};
  CHECK(PipelineLoader(request).plugins().files == Lines{here + "/c.so", here + "/a.so", "/abs/b.so"});
  CHECK_FALSE(PipelineLoader(request).plugins().replace);
  request.overrides.push_back({"plugins.load=[\"./d.so\"]", ""});
  CHECK(PipelineLoader(request).plugins().files == Lines{here + "/c.so", here + "/d.so"});
  request.overrides.push_back({"plugins.override=true", ""});
  CHECK(PipelineLoader(request).plugins().replace);
}

TEST_CASE("a config names the files of the plugins it uses", "[config][load]") {
  Fixture f(kGood);
  CHECK(files_used(f.load(), f.catalog) ==
        Lines{"/plugins/char.so", "/plugins/text.so", "/plugins/lora.so", "/plugins/jsonl.so"});
}

TEST_CASE("an item may be named with its plugin", "[config][load]") {
  Fixture f("[tokenizer]\nuse = \"char:char\"\n");
  CHECK(f.load().tokenizer->use == "char:char");
}

TEST_CASE("a trigger that cannot fire is told beside mistakes elsewhere", "[config][load]") {
  const Lines lines = Fixture(
                          "[run]\nsed = 1\n[[stage]]\nkind = \"train\"\nmax_iters = 10\n[[stage.operation]]\nuse = \"lora\"\n"
                          "when = { at_iter = 50 }\n")
                          .errors();
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].find("can never fire") != std::string::npos);
}

TEST_CASE("rules over several keys wait until each key is right", "[config][load]") {
  CHECK(error_of("[model]\nn_head = 0\nn_embd = 64\n")
            .starts_with("pipeline.toml:2:10: error[GC104]: 'n_head' expects 1..10000"));
}
