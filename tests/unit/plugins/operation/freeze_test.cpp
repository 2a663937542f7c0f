#include "noted_edit.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

TEST_CASE("freeze_layer and unfreeze_layer take one layer or several, under either name") {
  for (const std::string verb : {"freeze", "unfreeze"}) {
    const std::string name = verb + "_layer";
    CHECK(Planning().plan(name, {{"value", "mlp.0"}}) == Lines{verb + " mlp.0"});
    CHECK(Planning().plan(name, {{"value", List{"wte", "ln_f"}}}) == Lines{verb + " wte", verb + " ln_f"});
    CHECK(Planning().plan(name, {{"layers", List{"blocks.*.attn.*"}}}) == Lines{verb + " blocks.*.attn.*"});
  }
}

TEST_CASE("The seed's short names and paths are known before the first update") {
  for (const char* name : {"attn.1", "mlp.0", "ln_1.1", "ln_2.0", "wte", "wpe", "ln_f", "lm_head", "blocks.1",
                           "blocks.0.mlp.fc", "*", "blocks.*.ln_?", "attn.*"}) {
    INFO(name);
    CHECK(Planning().opens("freeze_layer", {{"value", name}}));
  }
}

TEST_CASE("A layer that there is not is refused before the first update, with the likeliest name") {
  const std::pair<const char*, const char*> cases[] = {
      {"atn.1", "did you mean 'attn.1'?"},       {"wtee", "did you mean 'wte'?"},
      {"blocks.0.mlp.fcc", "'blocks.0.mlp.fc'"}, {"lm_hed", "'lm_head'"},
      {"something", "gptcore summary"},          {"", "gptcore summary"},
      {"attn.", "did you mean 'attn.0'?"},       {"blocks.0.attn", "'blocks.0.attn."}};
  for (const auto& [name, hint] : cases) {
    INFO(name);
    Planning p;
    CHECK(!p.opens("freeze_layer", {{"value", name}}));
    const Error e = p.refusal("freeze_layer", {{"value", name}});
    CHECK(e.code() == Code::unknown_name);
    CHECK_THAT(e.line(), Contains("no layer fits '" + std::string(name) + "'") && Contains(hint));
  }
}

TEST_CASE("A layer of a block that is still to come may be named") {
  CHECK(Planning().opens("freeze_layer", {{"value", "attn.7"}}));
  CHECK(Planning().opens("freeze_layer", {{"value", "blocks.11.mlp.proj"}}));
  CHECK(!Planning().opens("freeze_layer", {{"value", "blocks.11.mlp.gate"}}));
  CHECK(!Planning().opens("freeze_layer", {{"value", "ln_3.0"}}));
}

TEST_CASE("freeze_layer refuses what names no layers") {
  for (const Table& bad : std::vector<Table>{
           {{"value", 3}}, {{"value", List{"wte", 3}}}, {{"value", List{}}}, {{"layers", List{}}}, {{"value", true}}, {}}) {
    INFO(to_toml(Value(bad)));
    CHECK(!Planning().opens("freeze_layer", bad));
  }
}

TEST_CASE("set_embedding_finetune_mode trains the embeddings alone, or everything") {
  CHECK(Planning().plan("set_embedding_finetune_mode", {{"value", true}}) ==
        Lines{"freeze blocks.0", "freeze blocks.1", "freeze ln_f", "unfreeze wte", "unfreeze wpe"});
  CHECK(Planning().plan("set_embedding_finetune_mode", {{"value", false}}) ==
        Lines{"unfreeze blocks.0", "unfreeze blocks.1", "unfreeze ln_f", "unfreeze wte", "unfreeze wpe"});
}

TEST_CASE("set_embedding_freeze_mode freezes the embeddings alone, or trains them") {
  CHECK(Planning().plan("set_embedding_freeze_mode", {{"value", true}}) == Lines{"freeze wte", "freeze wpe"});
  CHECK(Planning().plan("set_embedding_freeze_mode", {{"value", false}}) == Lines{"unfreeze wte", "unfreeze wpe"});
  CHECK(Planning().refusal("set_embedding_freeze_mode", {{"value", 1}}).code() == Code::wrong_type);
}
