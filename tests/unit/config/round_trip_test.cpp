// to_toml() is what is saved with a run: it must load to the same config from any folder.
#include <rapidcheck.h>

#include "tests/catch.h"
#include "tests/unit/config/fixture.h"

using namespace gptcore;

namespace {

bool same(const Section& a, const Section& b) {
  return a.path == b.path && a.use == b.use && a.values == b.values;
}

bool same(const std::optional<Section>& a, const std::optional<Section>& b) {
  return a.has_value() == b.has_value() && (!a || same(*a, *b));
}

bool same(const std::vector<Section>& a, const std::vector<Section>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Section& x, const Section& y) { return same(x, y); });
}

bool same(const PipelineConfig& a, const PipelineConfig& b) {
  const bool stages = std::equal(
      a.stages.begin(), a.stages.end(), b.stages.begin(), b.stages.end(), [](const StageConfig& x, const StageConfig& y) {
        return x.name == y.name && x.kind == y.kind && same(x.table, y.table) && same(x.operations, y.operations);
      });
  return stages && same(a.run, b.run) && a.plugin_files == b.plugin_files && same(a.tokenizer, b.tokenizer) &&
         same(a.dataset, b.dataset) && same(a.model, b.model) && same(a.loggers, b.loggers);
}

// Loaded again from another folder.
PipelineConfig reloaded(const PipelineConfig& config) {
  return Fixture(config.to_toml()).load();
}

}  // namespace

TEST_CASE("a saved config loads to the same one in another folder", "[config][round_trip]") {
  ::setenv("GPTCORE_TEST_ODD", "a${b}\"\\\n", 1);
  Fixture f(R"([plugins]
load = ["./a.so"]
[tokenizer]
use = "char"
[dataset]
use = "text"
files = ["a/*.txt"]
url = "${GPTCORE_TEST_ODD} $${HOME} $$${x}"
[model]
preset = "gpt2-xs"
[[stage]]
kind = "train"
eval_iters = "all"
lr_decay_iters = 7
  [[stage.operation]]
  use = "lora"
  when = { after_iters = 5 }
[[stage]]
kind = "train"
[[stage]]
kind = "sample"
name = "train-3"
[[logger]]
use = "jsonl"
[[logger]]
use = "console"
)");
  const PipelineConfig config = f.load();
  const PipelineConfig again = reloaded(config);
  CHECK(same(config, again));
  CHECK(again.to_toml() == config.to_toml());
}

TEST_CASE("whatever loads is saved without loss", "[config][round_trip]") {
  CHECK(rc::check([] {
    Fixture f;
    const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
    const auto escaped = to_toml(Value(text));
    const double rate = *rc::gen::inRange(0, 1'000'000) / 1e9;
    std::vector<std::string> settings = {"train.learning_rate=" + to_toml(Value(rate)),
                                         "run.seed=" + std::to_string(*rc::gen::inRange<int64_t>(0, INT64_MAX))};
    // A text with ${ of its own may be refused; then there is nothing to save.
    settings.push_back("sample.prompt=" + escaped);
    f.file = "p.toml";
    write_raw("p.toml", "[[stage]]\nkind = \"train\"\n[[stage]]\nkind = \"sample\"\n");
    RC_PRE(text.find("${") == std::string::npos);
    const PipelineConfig config = f.load(settings);
    RC_ASSERT(value_of(config.stages[1].table, "prompt") == Value(text));
    RC_ASSERT(same(config, reloaded(config)));
  }));
}

TEST_CASE("the config of nothing at all is complete", "[config][round_trip]") {
  const std::string text = Fixture().load().to_toml();
  CHECK(text.find("[model]\nuse = \"gpt\"\n") != std::string::npos);
  CHECK(text.find("n_layer = 12\n") != std::string::npos);
  CHECK(same(Fixture(text).load(), Fixture().load()));
}
