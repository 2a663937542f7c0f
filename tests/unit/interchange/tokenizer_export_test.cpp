// What the files of other tools say of the tokenizer.
#include <nlohmann/json.hpp>

#include "core/base/file_system.h"
#include "core/builtin/hf_config.h"
#include "core/interchange/export.h"
#include "core/interchange/gguf_tokenizer.h"
#include "gguf_reader.h"
#include "gptcore/draft/tokenizer_json.h"
#include "gptcore/error.h"
#include "small_model.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

// The tokens a, b, ÿ, ab, <|endoftext|> 4 and <add> 5.
Json tiny() {
  const auto added = [](int id, const char* text, bool special) {
    return Json{{"id", id}, {"content", text}, {"special", special}};
  };
  return {
      {"added_tokens", {added(4, "<|endoftext|>", true), added(5, "<add>", false)}},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
      {"model",
       {{"type", "BPE"}, {"ignore_merges", false}, {"vocab", {{"a", 0}, {"b", 1}, {"ÿ", 2}, {"ab", 3}}}, {"merges", {"a b"}}}}};
}

Json split_by(const std::string& pattern) {
  return {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}},
            {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
}

// A tokenizer that knows of itself only what it must.
class Told final : public Tokenizer, TokenizerJson {
 public:
  explicit Told(const Json& json) : text_(json.dump()), tokens_(parse_bpe_form(text_).value_or(BpeForm()).tokens) {}
  int64_t vocab_size() const override { return static_cast<int64_t>(tokens_.size()); }
  std::vector<int32_t> encode(std::string_view) const override { return {}; }
  std::string decode(std::span<const int32_t>) const override { return {}; }
  std::optional<int32_t> special(std::string_view name) const override {
    for (size_t id = 0; id < tokens_.size(); ++id)
      if (tokens_[id].text == name && tokens_[id].kind != BpeForm::Kind::bytes) return static_cast<int32_t>(id);
    return std::nullopt;
  }
  void* extension(std::string_view id) override { return extension_as<TokenizerJson>(this, id); }
  Status tokenizer_json(std::string& out) noexcept override {
    return guard([&] { out = text_; });
  }

 private:
  std::string text_;
  std::vector<BpeForm::Token> tokens_;
};

TokenizerForm form_of(const Json& json) {
  Told tokenizer(json);
  return form_of(tokenizer);
}

Exported exported(const fs::path& to, ExportFormat format, const std::optional<TokenizerForm>& form, int64_t vocab_size = 6) {
  GptOptions options = small_options();
  options.vocab_size = vocab_size;
  const auto model = random_model(options);
  return export_model(*posix_file_system(), *model, options, {to, format, FileType::f32, form, {}, {}},
                      probe_logits(*model, options.vocab_size));
}

Json json_at(const fs::path& path) {
  return Json::parse(read_raw(path));
}

}  // namespace

TEST_CASE("a GGUF file has byte-level BPE whole") {
  const TempFolder folder;
  CHECK(exported(folder.path / "out", ExportFormat::gguf, form_of(tiny())).note.empty());
  const ReadGguf read = read_gguf(read_raw(folder.path / "out" / "model.gguf"));
  CHECK(read.texts == std::map<std::string, std::string>{
                          {"general.architecture", "gpt2"}, {"tokenizer.ggml.model", "gpt2"}, {"tokenizer.ggml.pre", "gpt-2"}});
  CHECK(read.text_lists.at("tokenizer.ggml.tokens") == std::vector<std::string>{"a", "b", "ÿ", "ab", "<|endoftext|>", "<add>"});
  CHECK(read.number_lists.at("tokenizer.ggml.token_type") == std::vector<int32_t>{1, 1, 1, 1, 3, 4});
  CHECK(read.text_lists.at("tokenizer.ggml.merges") == std::vector<std::string>{"a b"});
  for (const char* key : {"bos", "eos", "unknown"})
    CHECK(read.numbers.at(std::string("tokenizer.ggml.") + key + "_token_id") == 4);
  CHECK_FALSE(read.numbers.contains("tokenizer.ggml.eot_token_id"));
  CHECK(read.flags ==
        std::map<std::string, bool>{{"tokenizer.ggml.add_bos_token", false}, {"tokenizer.ggml.add_eos_token", false}});
  CHECK(read.numbers.at("gpt2.vocab_size") == 6);
  CHECK(read.real_lists.empty());
}

TEST_CASE("a model that knows a part of the tokens by other numbers takes these along, and no tokenizer") {
  TokenizerForm form;
  form.size = 6;
  const std::string vocabulary = R"({"rare_number": 0, "ids": [0, 9, 7, 3, 4, 5]})";
  GptOptions options = small_options();
  options.vocab_size = 6;
  for (const ExportFormat format : {ExportFormat::hf, ExportFormat::gguf, ExportFormat::llmc}) {
    const TempFolder folder;
    options.gelu = "tanh";
    const auto model = random_model(options);
    const Exported made =
        export_model(*posix_file_system(), *model, options, {folder.path / "out", format, FileType::f32, form, vocabulary, {}},
                     probe_logits(*model, options.vocab_size));
    CHECK_THAT(made.note, Catch::Contains("by numbers of its own") && Catch::Contains("vocabulary.json"));
    CHECK(read_raw(folder.path / "out" / "vocabulary.json") == vocabulary);
    CHECK_FALSE(fs::exists(folder.path / "out" / "tokenizer.json"));
  }
}

TEST_CASE("a chat's tokens begin a text and end a turn") {
  Json json = tiny();
  json["added_tokens"][1] = {{"id", 5}, {"content", "<|bos|>"}, {"special", true}};
  json["added_tokens"].push_back({{"id", 6}, {"content", "<|assistant_end|>"}, {"special", true}});
  const TempFolder folder;
  exported(folder.path / "gguf", ExportFormat::gguf, form_of(json), 7);
  const ReadGguf read = read_gguf(read_raw(folder.path / "gguf" / "model.gguf"));
  CHECK(read.numbers.at("tokenizer.ggml.bos_token_id") == 5);
  CHECK(read.numbers.at("tokenizer.ggml.eos_token_id") == 4);
  CHECK(read.numbers.at("tokenizer.ggml.eot_token_id") == 6);
  exported(folder.path / "hf", ExportFormat::hf, form_of(json));
  CHECK(json_at(folder.path / "hf" / "generation_config.json") == Json{{"bos_token_id", 5}, {"eos_token_id", {4, 6}}});
  CHECK(json_at(folder.path / "hf" / "added_tokens.json") == Json{{"<|bos|>", 5}, {"<|assistant_end|>", 6}});
}

TEST_CASE("without special tokens a byte that no UTF-8 text holds ends a text in GGUF, as llama.cpp would take id 11") {
  Json json = tiny();
  json["added_tokens"] = Json::array();
  const GgufTokenizer made = gguf_tokenizer(form_of(json), 4);
  CHECK(made.ids == std::vector<std::pair<std::string, uint32_t>>{{"bos_token_id", 2}, {"eos_token_id", 2}});
}

TEST_CASE("llama.cpp's name of a pattern is that of the same pattern, which takes whole pieces only where that is harmless") {
  const std::string gpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
                    rest = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
                    words = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})";
  const auto [pattern, whole, all_made, pre] = GENERATE_COPY(table<std::string, bool, bool, std::string>({
      {gpt2, false, true, "gpt-2"},
      {gpt2, true, true, "gpt-2"},
      {gpt2, true, false, ""},
      {gpt2, false, false, "gpt-2"},
      {words + "{1,3}" + rest, true, false, "llama-bpe"},
      {words + "{1,3}" + rest, false, false, "smaug-bpe"},
      {words + rest, false, false, "qwen2"},
      {words + rest, true, false, ""},
      {words + "{1,2}" + rest, false, true, ""},
  }));
  Json json = tiny();
  json["pre_tokenizer"] = split_by(pattern);
  json["model"]["ignore_merges"] = whole;
  if (!all_made) json["model"]["merges"] = Json::array();
  const GgufTokenizer made = gguf_tokenizer(form_of(json), 6);
  INFO(pattern << whole << all_made << made.note);
  CHECK(made.pre == pre);
  CHECK(made.model == (pre.empty() ? "none" : "gpt2"));
  CHECK(made.note.empty() == !pre.empty());
}

TEST_CASE("what llama.cpp cannot be is left out of a GGUF file, and said") {
  const auto note = [](const TokenizerForm& form, int64_t vocab_size = 6) {
    const GgufTokenizer made = gguf_tokenizer(form, vocab_size);
    CHECK(made.model == "none");
    CHECK(made.tokens.empty());
    return made.note;
  };
  CHECK_THAT(note({}),
             Catch::Contains("model.gguf has no tokenizer") && Catch::Contains("of a kind that llama.cpp does not have"));
  for (const int64_t other : {5, 7})
    CHECK_THAT(note(form_of(tiny()), other), Catch::Contains("has 6 tokens, the model " + std::to_string(other)));
  Json alike = tiny();
  alike["added_tokens"][1]["content"] = "ab";
  CHECK_THAT(note(form_of(alike)), Catch::Contains("look alike"));
  TokenizerForm unigram;
  unigram.pieces.emplace();
  CHECK_THAT(note(unigram), Catch::Contains("not of the type BPE"));
}

TEST_CASE("a SentencePiece model's pieces are in a GGUF file with their scores") {
  TokenizerForm form;
  form.size = 260;
  form.ids.eos = 1;
  using Kind = ScoredPiece::Kind;
  form.pieces = PieceModel{{{"<unk>", 0, Kind::unknown}, {"</s>", 0, Kind::control}},
                           /*merges=*/true,
                           /*space_prefix=*/true,
                           /*normalizes=*/false};
  for (int byte = 0; byte < 256; ++byte) form.pieces->pieces.push_back({"<" + std::to_string(byte) + ">", 0, Kind::byte});
  form.pieces->pieces.push_back({"\u2581a", -1.5F, Kind::normal});
  form.pieces->pieces.push_back({"<x>", 0, Kind::user_defined});
  const TempFolder folder;
  CHECK(exported(folder.path / "out", ExportFormat::gguf, form, 260).note.empty());
  const ReadGguf read = read_gguf(read_raw(folder.path / "out" / "model.gguf"));
  CHECK(read.texts.at("tokenizer.ggml.model") == "llama");
  CHECK_FALSE(read.texts.contains("tokenizer.ggml.pre"));
  const std::vector<std::string>& tokens = read.text_lists.at("tokenizer.ggml.tokens");
  const std::vector<int32_t>& types = read.number_lists.at("tokenizer.ggml.token_type");
  const std::vector<float>& scores = read.real_lists.at("tokenizer.ggml.scores");
  REQUIRE(tokens.size() == 260);
  REQUIRE(types.size() == 260);
  REQUIRE(scores.size() == 260);
  const std::vector<std::tuple<size_t, const char*, int32_t, float>> wanted = {
      {0, "<unk>", 2, 0.F}, {1, "</s>", 3, 0.F}, {2, "<0>", 6, 0.F}, {258, "\u2581a", 1, -1.5F}, {259, "<x>", 4, 0.F}};
  for (const auto& [id, text, type, score] : wanted) {
    CHECK(tokens[id] == text);
    CHECK(types[id] == type);
    CHECK(scores[id] == score);
  }
  CHECK(read.numbers.at("tokenizer.ggml.eos_token_id") == 1);
  CHECK(read.numbers.at("tokenizer.ggml.bos_token_id") == 1);
  CHECK(read.numbers.at("tokenizer.ggml.unknown_token_id") == 0);
  CHECK(read.flags.at("tokenizer.ggml.add_space_prefix"));
  form.pieces->normalizes = true;
  CHECK_THAT(gguf_tokenizer(form, 260).note, Catch::Contains("normalizes a text"));
  form.pieces->pieces.erase(form.pieces->pieces.begin() + 2);
  CHECK_THAT(gguf_tokenizer(form, 260).note, Catch::Contains("no byte_fallback"));
}

TEST_CASE("a Hugging Face folder has the tokenizer's files, and its ids instead of GPT-2's") {
  const TempFolder folder;
  const fs::path out = folder.path / "out";
  CHECK(exported(out, ExportFormat::hf, form_of(tiny()), 60000).note.empty());
  const Json config = json_at(out / "config.json");
  CHECK(config.at("bos_token_id") == 4);
  CHECK(config.at("eos_token_id") == 4);
  CHECK(json_at(out / "generation_config.json") == Json{{"bos_token_id", 4}, {"eos_token_id", 4}});
  CHECK(json_at(out / "tokenizer.json") == tiny());
  CHECK(json_at(out / "tokenizer_config.json").at("eos_token") == "<|endoftext|>");
  CHECK(json_at(out / "vocab.json") == Json{{"a", 0}, {"b", 1}, {"ÿ", 2}, {"ab", 3}, {"<|endoftext|>", 4}});
  CHECK(json_at(out / "added_tokens.json") == Json{{"<add>", 5}});
  CHECK(read_raw(out / "merges.txt") == "#version: 0.2\na b\n");
}

TEST_CASE("a Hugging Face folder names no ids where the tokenizer has none, nor files that would mean another pattern") {
  const TempFolder folder;
  Json json = tiny();
  json["added_tokens"] = Json::array();
  json["pre_tokenizer"] = split_by("a|b");
  exported(folder.path / "out", ExportFormat::hf, form_of(json), 60000);
  const Json config = json_at(folder.path / "out" / "config.json");
  CHECK(config.at("bos_token_id").is_null());  // transformers takes 50256 where the key is missing
  CHECK(config.at("eos_token_id").is_null());
  CHECK(fs::exists(folder.path / "out" / "tokenizer.json"));
  for (const char* file : {"vocab.json", "merges.txt", "added_tokens.json", "generation_config.json"})
    CHECK_FALSE(fs::exists(folder.path / "out" / file));
  exported(folder.path / "none", ExportFormat::hf, std::nullopt, 60000);
  CHECK(json_at(folder.path / "none" / "config.json").at("eos_token_id").is_null());
  CHECK_THAT(exported(folder.path / "other", ExportFormat::hf, TokenizerForm()).note,
             Catch::Contains("there is no tokenizer.json"));
}

TEST_CASE("a tokenizer.json that is none is the plugin's fault") {
  Json json = tiny();
  json["model"]["vocab"]["a"] = "x";
  for (const std::string& text : {std::string(), std::string("[]"), json.dump()}) {
    INFO(text);
    CHECK_THROWS_WITH(parse_bpe_form(text), Catch::Contains("tokenizer.json cannot be used"));
  }
}

TEST_CASE("a tokenizer.json that is not byte-level BPE goes into a Hugging Face folder alone") {
  const auto [place, value] = GENERATE(table<Json::json_pointer, Json>({
      {"/model/type"_json_pointer, "Unigram"},
      {"/model/byte_fallback"_json_pointer, true},
      {"/normalizer"_json_pointer, {{"type", "NFC"}}},
      {"/pre_tokenizer"_json_pointer, nullptr},
      {"/pre_tokenizer/type"_json_pointer, "Whitespace"},
      {"/pre_tokenizer/add_prefix_space"_json_pointer, true},
  }));
  INFO(place);
  Json json = tiny();
  json[place] = value;
  TokenizerForm form = form_of(json);
  CHECK_FALSE(form.bpe);
  form.size = 6;
  form.eos = "<|endoftext|>";
  const TempFolder folder;
  CHECK(exported(folder.path / "out", ExportFormat::hf, form).note.empty());
  CHECK(json_at(folder.path / "out" / "tokenizer.json") == json);
  CHECK(json_at(folder.path / "out" / "tokenizer_config.json").at("eos_token") == "<|endoftext|>");
  CHECK_FALSE(fs::exists(folder.path / "out" / "vocab.json"));
  CHECK_THAT(gguf_tokenizer(form, 6).note, Catch::Contains("of a kind that llama.cpp does not have"));
}
