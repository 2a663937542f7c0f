#include "gptcore/draft/layer_names.h"

#include "gptcore/error.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

std::vector<Layer> gpt_layers(bool tied) {
  std::vector<Layer> layers = {{"wte", LayerKind::embedding}, {"wpe", LayerKind::embedding}};
  for (const char* block : {"blocks.0", "blocks.1"}) {
    layers.push_back({block, LayerKind::block});
    for (const char* part : {".ln_1", ".attn.qkv", ".attn.proj", ".ln_2", ".mlp.fc", ".mlp.proj"})
      layers.push_back({block + std::string(part), LayerKind::linear});
  }
  if (!tied) layers.push_back({"lm_head", LayerKind::linear});
  return layers;
}

std::vector<std::string> paths(const std::vector<Layer>& layers) {
  std::vector<std::string> out;
  for (const Layer& layer : layers) out.push_back(layer.path);
  return out;
}

using Paths = std::vector<std::string>;

std::string hint_for(const std::string& name) {
  try {
    layers_named(gpt_layers(true), name);
  } catch (const Error& e) {
    CHECK(e.code() == Code::unknown_name);
    CHECK(std::string(e.what()) == "no layer fits '" + name + "'");
    return e.hint();
  }
  return "it fits";
}

}  // namespace

TEST_CASE("a short name stands for the layers that GPT calls so", "[sdk]") {
  CHECK(full_pattern("attn.3") == "blocks.3.attn.*");
  CHECK(full_pattern("mlp.12") == "blocks.12.mlp.*");
  CHECK(full_pattern("ln_2.0") == "blocks.0.ln_2");
  CHECK(full_pattern("blocks.3") == "blocks.3");
  CHECK(full_pattern("attn.3.x") == "attn.3.x");
  CHECK(paths(layers_named(gpt_layers(true), "attn.1")) == Paths{"blocks.1.attn.qkv", "blocks.1.attn.proj"});
  CHECK(paths(layers_named(gpt_layers(true), "blocks.*.mlp.fc")) == Paths{"blocks.0.mlp.fc", "blocks.1.mlp.fc"});
}

TEST_CASE("lm_head is the embedding where the head is tied, and itself elsewhere", "[sdk]") {
  CHECK(paths(layers_named(gpt_layers(true), "lm_head")) == Paths{"wte"});
  CHECK(paths(layers_named(gpt_layers(false), "lm_head")) == Paths{"lm_head"});
  CHECK(paths(layers_of_any_block(gpt_layers(true), "lm_head")) == Paths{"wte"});
}

TEST_CASE("a block that is not there yet is no mistake where any block will do", "[sdk]") {
  CHECK(layers_fitting(gpt_layers(true), "attn.7").empty());
  CHECK(paths(layers_of_any_block(gpt_layers(true), "ln_1.7")) == Paths{"blocks.0.ln_1", "blocks.1.ln_1"});
  CHECK_THROWS_AS(layers_of_any_block(gpt_layers(true), "blocks.7.attn.kqv"), Error);
}

TEST_CASE("a layer that does not exist is answered by what it may have meant", "[sdk]") {
  CHECK(hint_for("atn.1") == "did you mean 'attn.1'?");
  CHECK(hint_for("blocks.0.attn.kqv") == "did you mean 'blocks.0.attn.qkv'?");
  CHECK(hint_for("wt") == "did you mean 'wte'?");
  CHECK(hint_for("attn.2") == "the model has 2 blocks, 0 to 1");
  CHECK(hint_for("mlp.11") == "the model has 2 blocks, 0 to 1");
  CHECK(hint_for("blocks.2.attn.qkv") == "the model has 2 blocks, 0 to 1");
  CHECK(hint_for("blocks.5") == "the model has 2 blocks, 0 to 1");
  CHECK(hint_for("nothing like it") == "gptcore summary lists them");
}
