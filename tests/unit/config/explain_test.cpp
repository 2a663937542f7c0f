#include "core/config/explain.h"

#include "tests/catch.h"
#include "tests/unit/config/fixture.h"

using namespace gptcore;

namespace {

const char* const kText = "[model]\npreset = \"gpt2-xxs\"\nn_layer = 3\n[[stage]]\nkind = \"train\"\nmax_iters = 5\n";

}  // namespace

TEST_CASE("explain tells where a value came from", "[config][explain]") {
  Fixture f(kText);
  const PipelineConfig c = f.load({"learning_rate=1e-3"});
  const auto [key, origin, value] = GENERATE(table<std::string, std::string, Value>({
      {"model.n_layer", "pipeline.toml:3:11", 3},
      {"n_embd", "preset gpt2-xxs", 64},
      {"train.max_iters", "pipeline.toml:6:13", 5},
      {"stage.train.max_iters", "pipeline.toml:6:13", 5},
      {"learning_rate", "--set learning_rate=1e-3", 1e-3},
      {"learning-rate", "--set learning_rate=1e-3", 1e-3},
      {"run.seed", "default", 1337},
  }));
  INFO(key);
  const auto found = explain(c, f.catalog, key);
  REQUIRE(found.size() == 1);
  CHECK(found[0].origin.text() == origin);
  CHECK(found[0].value == value);
  CHECK_FALSE(found[0].spec.doc.empty());
}

TEST_CASE("explain without a key lists every key once", "[config][explain]") {
  Fixture f(kText);
  const PipelineConfig c = f.load();
  const auto all = explain(c, f.catalog);
  CHECK(all.size() == c.run.values.size() + c.model.values.size() + c.stages[0].table.values.size());
  CHECK(all.front().path == "run.name");
}

TEST_CASE("explain of an unknown key suggests what was meant", "[config][explain]") {
  const auto [key, hint] = GENERATE(table<std::string, std::string>({
      {"n_layr", "did you mean 'n_layer'?"},
      {"model.n_layr", "did you mean 'model.n_layer'?"},
      {"lr", "did you mean 'learning_rate'?"},
      {"train.lr", "did you mean 'train.learning_rate'?"},
      {"model.lr", "did you mean 'train.learning_rate'?"},
      {"no_such", "leave the key out to see all"},
  }));
  Fixture f(kText);
  const PipelineConfig c = f.load();
  INFO(key);
  try {
    explain(c, f.catalog, key);
    FAIL("it is a key");
  } catch (const Error& e) {
    CHECK(e.what() == "no key '" + key + "' in this pipeline");
    CHECK(e.hint() == hint);
  }
}
