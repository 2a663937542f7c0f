// What is near in meaning is suggested before what is near in letters.
#include "core/config/near_misses.h"

#include "tests/catch.h"
#include "tests/unit/config/fixture.h"

using namespace gptcore;

TEST_CASE("a misplaced or misnamed table is answered by its header", "[config][near_misses]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"[[stages]]\n", "no table 'stages'; write [[stage]]"},
      {"[[loggers]]\n", "no table 'loggers'; write [[logger]]"},
      {"[datasets]\n", "no table 'datasets'; write [dataset]"},
      {"[plugin]\n", "no table 'plugin'; write [plugins]"},
      {"[[operation]]\n", "no table 'operation'; write [[stage.operation]] below its [[stage]]"},
      {"[[evaluators]]\n", "no table 'evaluators'; write [[stage.evaluator]] below its [[stage]]"},
      {"[train]\n", "no table 'train'; write [[stage]] with kind = \"train\""},
      {"[optimizer]\n", "no table 'optimizer'; write [[stage]] with kind = \"train\": it has the optimizer's keys"},
      {"[data]\n", "no table 'data'; write [dataset]"},
      {"[lora]\n", "no table 'lora'; 'lora' is an operation: write [[stage.operation]] with use = \"lora\""},
      {"[modle]\n", "no table 'modle'; did you mean 'model'?"},
      {"seed = 3\n", "the key 'seed' is outside every table; it is a key of [run]: put it below that"},
      {"[[stage]]\nkind = \"train\"\n[[stage.operations]]\n",
       "a train stage has no parameter 'operations'; write it as a table of its own, [[stage.operation]]"},
      {"[[stage]]\nkind = \"train\"\n[[stage.logger]]\n",
       "a train stage has no parameter 'logger'; write it as a table of its own, [[logger]]"},
      {"[[stage]]\nkind = \"finetune\"\n", "no stage kind \"finetune\"; did you mean 'train'?"},
      {"[[stage]]\nkind = \"eval\"\n", "no stage kind \"eval\"; did you mean 'evaluate'?"},
  }));
  const Lines lines = Fixture(text).errors();
  INFO(text);
  REQUIRE(lines.size() == 1);
  INFO(lines[0]);
  CHECK(lines[0].ends_with("]: " + expected));
}

TEST_CASE("a key of another table is sent there", "[config][near_misses]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"[run]\nlearning_rate = 1\n",
       "[run] has no parameter 'learning_rate'; 'learning_rate' is a key of a train stage: move it there"},
      {"[model]\nbatch_size = 1\n",
       "model 'gpt' has no parameter 'batch_size'; 'batch_size' is a key of a train stage and of an evaluate stage: move it to "
       "the one "
       "that it is meant for"},
      {"[[stage]]\nkind = \"train\"\nn_layer = 1\n",
       "a train stage has no parameter 'n_layer'; 'n_layer' is a key of [model]: move it there"},
      {"[[stage]]\nkind = \"train\"\nlr = 1\n", "a train stage has no parameter 'lr'; did you mean 'learning_rate'?"},
      {"[[stage]]\nkind = \"train\"\ndtype = \"bf16\"\n",
       "a train stage has no parameter 'dtype'; write precision = \"bfloat16\" in [run]"},
      {"[model]\nn_heads = 1\n", "model 'gpt' has no parameter 'n_heads'; did you mean 'n_head'?"},
      {"[model]\nhidden_size = 1\n", "model 'gpt' has no parameter 'hidden_size'; did you mean 'n_embd'?"},
      {"[[stage]]\nkind = \"train\"\n[[stage.operation]]\nuse = \"lora\"\nat_iter = 3\n",
       "operation 'lora' has no parameter 'at_iter'; it is a condition: write when = { at_iter = ... }"},
  }));
  const Lines lines = Fixture(text).errors();
  INFO(text);
  REQUIRE(lines.size() == 1);
  INFO(lines[0]);
  CHECK(lines[0].ends_with("]: " + expected));
}

TEST_CASE("an item of another kind is said to be one", "[config][near_misses]") {
  const auto hint = [](Kind kind, const std::string& name) { return hint_for_item(kind, name, test_catalog()); };
  CHECK(hint(Kind::dataset, "lora") == "'lora' is an operation: it goes into [[stage.operation]]");
  CHECK(hint(Kind::dataset, "texts") == "did you mean 'text'?");
  Catalog with_optional = test_catalog();
  with_optional.set_optional({{"dataset", "parquet", "make it so"}, {"dataset", "text", "never shown"}});
  CHECK(hint_for_item(Kind::dataset, "parquet", with_optional) == "make it so");
  CHECK(with_optional.how_to_get(Kind::dataset, "text").empty());
  CHECK(with_optional.how_to_get(Kind::tokenizer, "parquet").empty());
  CHECK(hint(Kind::logger, "wandb") == "there are jsonl, console; a plugin of yours goes into [plugins].load or --plugin");
}
