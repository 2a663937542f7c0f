// model.init_from: whose sizes the model has.
#include "core/builtin/model_preset.h"

#include "core/options/gpt_options.h"
#include "tests/unit/config/fixture.h"

#include "tests/catch.h"

using namespace gptcore;
namespace fs = std::filesystem;

namespace {

constexpr const char* kHf =
    R"({"model_type": "gpt2", "n_layer": 3, "n_head": 2, "n_embd": 8, "n_positions": 16, "vocab_size": 50,
                               "activation_function": "gelu_new"})";

// The folder hf and the run base, in the current folder.
void write_sources() {
  fs::create_directories("hf");
  write_raw("hf/config.json", kHf);
  fs::create_directories("base/ckpt/step-000000007");
  write_raw("base/ckpt/step-000000007/config.toml",
            "[model]\nuse = \"gpt\"\nn_layer = 2\nn_head = 2\nn_embd = 8\nn_hidden = 0\nblock_size = 32\nvocab_size = 0\n"
            "vocab_multiple = 1\ndropout = 0.2\nbias = false\nrotary = true\nrotary_base = 500.0\ngelu = \"erf\"\n"
            "tie_word_embeddings = false\n");
  write_raw("base/ckpt/step-000000007/manifest.json", "");
  write_raw("base/ckpt/step-000000007/state.json", R"({"structure": {"model": {"n_layer": "4", "vocab_size": "60"}}})");
}

}  // namespace

TEST_CASE("a Hugging Face folder fills the sizes, and dropout stays the user's", "[config][init_from]") {
  const Fixture f("[model]\ninit_from = \"hf:hf\"\ndropout = 0.1\n");
  write_sources();
  const PipelineConfig config = f.load();
  const auto options = config.model.as<GptOptions>();
  CHECK(options.n_layer == 3);
  CHECK(options.n_embd == 8);
  CHECK(options.block_size == 16);
  CHECK(options.vocab_size == 50);
  CHECK(options.bias);
  CHECK(options.gelu == "tanh");
  CHECK(options.dropout == 0.1);
  CHECK(options.init_from == "hf:" + (f.folder.path / "hf").string());
  CHECK(origin_of(config.model, "n_layer") == "init_from hf:" + (f.folder.path / "hf").string());
}

TEST_CASE("a checkpoint fills what its model was last, with what operations changed", "[config][init_from]") {
  const Fixture f("[model]\ninit_from = \"ckpt:base\"\n");
  write_sources();
  const auto options = f.load().model.as<GptOptions>();
  CHECK(options.n_layer == 4);
  CHECK(options.vocab_size == 60);
  CHECK(options.rotary);
  CHECK(options.rotary_base == 500);
  CHECK_FALSE(options.bias);
  CHECK_FALSE(options.tie_word_embeddings);
  CHECK(options.gelu == "erf");
  CHECK(options.dropout == 0);
  const Fixture step("[model]\ninit_from = \"ckpt:base/ckpt/step-000000007\"\n");
  write_sources();
  CHECK(step.load().model.as<GptOptions>().n_layer == 4);
}

TEST_CASE("given keys must agree with init_from", "[config][init_from]") {
  const auto [keys, expected] = GENERATE(table<std::string, std::string>({
      {"n_layer = 12\n", "pipeline.toml:3:11: error[GC106]: 'n_layer' is 12, and init_from hf:"},
      {"n_layer = 3\ngelu = \"erf\"\n", "pipeline.toml:4:8: error[GC106]: 'gelu' is \"erf\", and init_from hf:"},
      {"rotary = true\n", "pipeline.toml:3:10: error[GC106]: 'rotary' is true, and init_from hf:"},
      {"preset = \"gpt2\"\n", "pipeline.toml:2:13: error[GC106]: preset \"gpt2\" has n_layer = 12, and hf:"},
  }));
  const Fixture f("[model]\ninit_from = \"hf:hf\"\n" + keys);
  write_sources();
  const std::vector<std::string> errors = f.errors();
  REQUIRE(errors.size() == 1);
  INFO(errors[0]);
  CHECK(errors[0].starts_with(expected));
  CHECK(f.errors({"model.init_from=\"\""}).empty());
}

TEST_CASE("a given vocabulary may be larger than init_from's, and a given context shorter", "[config][init_from]") {
  const Fixture f("[model]\ninit_from = \"hf:hf\"\nvocab_size = 55\nblock_size = 8\n");
  write_sources();
  CHECK(f.load().model.as<GptOptions>().vocab_size == 55);
  CHECK(f.load().model.as<GptOptions>().block_size == 8);
  CHECK(f.load().model.as<GptOptions>().n_layer == 3);
  const auto refused = [&](const std::string& override) {
    const std::vector<std::string> errors = f.errors({override});
    return errors.size() == 1 ? errors[0] : std::to_string(errors.size()) + " errors";
  };
  CHECK(refused("model.vocab_size=49")
            .ends_with("has 50; a vocabulary can grow and not shrink: leave it out, or give 50 or more"));
  CHECK(refused("model.block_size=17")
            .ends_with("has 16; it has learned no further positions: leave it out, or give 16 or less"));
  const Fixture rotary("[model]\ninit_from = \"ckpt:base\"\nblock_size = 64\nvocab_size = 61\n");
  write_sources();
  CHECK(rotary.load().model.as<GptOptions>().block_size == 64);  // rotary positions have no table
}

TEST_CASE("before a model is downloaded its preset tells the sizes", "[config][init_from]") {
  const Fixture f("[model]\npreset = \"gpt2-xl\"\ninit_from = \"hf:gpt2-xl\"\n");
  CHECK(f.load().model.as<GptOptions>().n_layer == 48);
  fs::create_directories("gpt2-xl");
  CHECK(f.errors().size() == 1);
}

TEST_CASE("what init_from cannot name is refused where it stands", "[config][init_from]") {
  const auto [value, expected] = GENERATE(table<std::string, std::string>({
      {"\"hf:nowhere\"", "error[GC500]: "},
      {"\"hf:base\"", "error[GC500]: "},
      {"\"hf:broken\"", "error[GC501]: "},
      {"\"ckpt:nowhere\"", "error[GC500]: "},
      {"\"ckpt:hf\"", "error[GC500]: "},
      {"\"ckpt:half\"", "error[GC109]: "},
      {"\"ckpt:nano.pt\"", "error[GC502]: "},
      {"\"hf:nano.pt\"", "error[GC502]: "},
      {"\"ckpt:\"", "error[GC104]: 'init_from' expects hf:DIR or ckpt:PATH, got \"ckpt:\""},
      {"\"scratch\"", "error[GC104]: 'init_from' expects hf:DIR or ckpt:PATH"},
      {"\"gpt2-xl\"", "error[GC104]: 'init_from' expects hf:DIR or ckpt:PATH"},
      {"3", "error[GC103]: 'init_from' expects a"},
  }));
  const Fixture f("[model]\ninit_from = " + value + "\n");
  write_sources();
  fs::create_directories("broken");
  write_raw("broken/config.json", "{");
  fs::create_directories("half/ckpt/step-000000001");
  write_raw("nano.pt", "PK");
  const std::vector<std::string> errors = f.errors();
  REQUIRE(errors.size() == 1);
  INFO(errors[0]);
  CHECK(errors[0].starts_with("pipeline.toml:2:13: " + expected));
}

TEST_CASE("a config that has started stands without its source", "[config][init_from]") {
  const Fixture f("[model]\ninit_from = \"hf:hf\"\n");
  write_sources();
  write_raw("started.toml", f.load().started().to_toml());
  fs::remove_all("hf");
  CHECK(f.errors().size() == 1);
  Fixture again;
  again.file = (f.folder.path / "started.toml").string();
  CHECK(again.load().model.as<GptOptions>().n_layer == 3);
}

TEST_CASE("on the command line init_from counts from the current folder", "[config][init_from]") {
  const Fixture f("[model]\nn_head = 2\n");
  fs::create_directories("elsewhere");
  write_sources();
  CHECK(f.load({"model.init_from=hf:hf"}).model.as<GptOptions>().n_layer == 3);
  CHECK(f.load({"init_from=ckpt:base/"}).model.as<GptOptions>().n_layer == 4);
}
