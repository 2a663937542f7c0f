#include "core/builtin/hf_config.h"

#include <nlohmann/json.hpp>

#include "gptcore/error.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

nlohmann::json gpt2() {
  return {{"model_type", "gpt2"},
          {"architectures", {"GPT2LMHeadModel"}},
          {"n_layer", 2},
          {"n_head", 3},
          {"n_embd", 12},
          {"n_positions", 8},
          {"n_ctx", 8},
          {"vocab_size", 50},
          {"activation_function", "gelu_new"},
          {"layer_norm_epsilon", 1e-5}};
}

GptOptions options_of(const Table& table) {
  GptOptions options;
  schema_of<GptOptions>().assign(table, options);
  return options;
}

// The line of the error that reading the text gives.
std::string refusal(const std::string& text) {
  const TempFolder folder;
  write_raw(folder.path / "config.json", text);
  try {
    read_hf_config(folder.path);
  } catch (const Error& e) {
    CHECK(e.where() == (folder.path / "config.json").string());
    return e.line().substr(e.where().size() + 2);
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a config.json gives the sizes, the GELU and biases") {
  const TempFolder folder;
  nlohmann::json json = gpt2();
  SECTION("of GPT-2") {
    write_raw(folder.path / "config.json", json.dump());
    const GptOptions o = options_of(read_hf_config(folder.path));
    CHECK(o.n_layer == 2);
    CHECK(o.n_head == 3);
    CHECK(o.n_embd == 12);
    CHECK(o.n_hidden == 0);
    CHECK(o.block_size == 8);
    CHECK(o.vocab_size == 50);
    CHECK(o.bias);
    CHECK(o.gelu == "tanh");
  }
  SECTION("with another width of the MLP and the exact GELU") {
    json["n_inner"] = 20;
    json["activation_function"] = "gelu";
    write_raw(folder.path / "config.json", json.dump());
    const GptOptions o = options_of(read_hf_config(folder.path));
    CHECK(o.n_hidden == 20);
    CHECK(o.gelu == "erf");
  }
  SECTION("where the width of the MLP is the usual one") {
    json["n_inner"] = 48;
    write_raw(folder.path / "config.json", json.dump());
    CHECK(options_of(read_hf_config(folder.path)).n_hidden == 0);
  }
}

TEST_CASE("what is written is read as the same model") {
  const TempFolder folder;
  GptOptions o = options_of(Table{{"n_layer", 3}, {"n_head", 2}, {"n_embd", 10}, {"block_size", 7}, {"vocab_size", 50257}});
  o.n_hidden = GENERATE(0, 13);
  o.gelu = GENERATE("erf", "tanh");
  write_raw(folder.path / "config.json", format_hf_config(o, "float32"));
  const GptOptions back = options_of(read_hf_config(folder.path));
  CHECK(back.n_layer == 3);
  CHECK(back.n_head == 2);
  CHECK(back.n_embd == 10);
  CHECK(back.block_size == 7);
  CHECK(back.vocab_size == 50257);
  CHECK(back.n_hidden == o.n_hidden);
  CHECK(back.gelu == o.gelu);
}

TEST_CASE("a model that is not GPT-2 is refused with what differs") {
  const auto [key, value, expected] = GENERATE(table<std::string, nlohmann::json, std::string>({
      {"model_type", "llama", "error[GC400]: its model_type is \"llama\", and only \"gpt2\" can be read"},
      {"architectures", {"GPT2ForSequenceClassification"}, "error[GC400]: its architecture is"},
      {"activation_function", "relu", "error[GC400]: 'activation_function' is \"relu\""},
      {"layer_norm_epsilon", 1e-6, "error[GC400]: 'layer_norm_epsilon' is 1e-06"},
      {"scale_attn_by_inverse_layer_idx", true, "error[GC400]: 'scale_attn_by_inverse_layer_idx' is true"},
      {"scale_attn_weights", false, "error[GC400]: 'scale_attn_weights' is false"},
      {"add_cross_attention", true, "error[GC400]: 'add_cross_attention' is true"},
      {"quantization_config", {{"bits", 4}}, "error[GC400]: its weights are quantized"},
      {"n_layer", nullptr, "error[GC400]: 'n_layer' expects a whole number of at least 1, got null"},
      {"n_layer", 0, "error[GC400]: 'n_layer' expects a whole number"},
      {"n_layer", 1000000, "error[GC400]: its 'n_layer' expects 1..10000, got 1000000"},
      {"n_head", 5, "error[GC400]: n_embd = 12 is not divisible by n_head = 5"},
      {"vocab_size", 1.5, "error[GC400]: 'vocab_size' expects a whole number of at least 1, got 1.5"},
      {"n_positions", std::string(200, 'x'), "error[GC400]: 'n_positions' expects a whole number"},
      {"n_inner", -4, "error[GC400]: 'n_inner' expects a whole number"},
  }));
  nlohmann::json json = gpt2();
  json[key] = value;
  const std::string found = refusal(json.dump());
  INFO(found);
  CHECK(found.starts_with(expected));
  CHECK(found.size() < 300);
}

TEST_CASE("a config.json without a model_type is read when its keys are GPT-2's") {
  nlohmann::json json = gpt2();
  json.erase("model_type");
  CHECK(refusal(json.dump()) == "accepted");
  json.erase("architectures");
  json.erase("activation_function");
  CHECK(refusal(json.dump()) == "accepted");
  json.erase("n_positions");  // n_ctx says it, too
  CHECK(refusal(json.dump()) == "accepted");
  json["afn"] = "gelu";
  CHECK(refusal(json.dump()).starts_with("error[GC400]: it has no 'model_type', and 'afn' is a key of OpenAI's first GPT"));
  CHECK(refusal(R"({"hidden_size": 8, "num_hidden_layers": 2})")
            .starts_with("error[GC400]: it has neither 'model_type' nor GPT-2's 'n_embd'"));
  json = gpt2();
  json["model_type"] = nullptr;
  CHECK(refusal(json.dump()).starts_with("error[GC400]: its model_type is null"));
}

TEST_CASE("a Git LFS pointer is named as one") {
  CHECK(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 665\n")
            .starts_with("error[GC500]: this is a Git LFS pointer"));
}

TEST_CASE("a config.json without a size, or that is none, is refused") {
  for (const char* key : {"n_layer", "n_head", "n_embd", "n_ctx", "vocab_size"}) {
    nlohmann::json json = gpt2();
    json.erase("n_positions");
    json.erase(key);
    INFO(key);
    CHECK(refusal(json.dump()).find(key) != std::string::npos);
  }
  for (const char* text : {"", "[]", "{", "\xff\xfe", "3", "{\"model_type\": \"gpt2\"} x"})
    CHECK(refusal(text).starts_with("error[GC501]: the file is not a JSON object"));
}

TEST_CASE("a place without a model says what is missing") {
  const TempFolder folder;
  CHECK_THROWS_WITH(read_hf_config(folder.path / "nowhere"), Catch::Contains("does not exist"));
  CHECK_THROWS_WITH(read_hf_config(folder.path), Catch::Contains("no config.json"));
  write_raw(folder.path / "ckpt.pt", "PK");
  CHECK_THROWS_WITH(read_hf_config(folder.path / "ckpt.pt"), Catch::Contains("is not read"));
}
