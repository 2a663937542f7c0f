// HuggingFace's tokenizer.json, as their library writes it for byte-level BPE, and files of other kinds.
#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
using namespace gptcore::test;
using Catch::Matchers::Contains;
using Json = nlohmann::json;

namespace {

// The tiny vocabulary: 256 he, 257 ll, 258 hell; 259 is the added token <s>.
Json tiny() {
  Json vocab;
  int id = 0;
  for (const uint8_t byte : bpe::bytes_in_order()) vocab[bpe::printable_of(std::string(1, static_cast<char>(byte)))] = id++;
  for (const char* token : {"he", "ll", "hell"}) vocab[token] = id++;
  return {{"version", "1.0"},
          {"added_tokens",
           {{{"id", 259},
             {"content", "<s>"},
             {"single_word", false},
             {"lstrip", false},
             {"rstrip", false},
             {"normalized", false},
             {"special", true}}}},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
          {"post_processor", {{"type", "ByteLevel"}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", ""},
            {"end_of_word_suffix", ""},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"vocab", vocab},
            {"merges", {"h e", "l l", "he ll"}}}}};
}

struct File : TempFolder {
  std::string write(const std::string& text) const {
    write_raw(path / "tokenizer.json", text);
    return (path / "tokenizer.json").string();
  }
  std::unique_ptr<Tokenizer> open(const Json& json, Table values = {}) {
    values.emplace_back("tokenizer_json", write(json.dump()));
    return opened("gpt2", values, host);
  }
  Error error(const std::string& text) const { return reading_error({{"tokenizer_json", write(text)}}); }
  QuietHost host;
};

Json split_by(const std::string& pattern) {
  return {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}},
            {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
}

}  // namespace

TEST_CASE("a tokenizer.json gives its ids, also in a folder") {
  File file;
  const auto t = file.open(tiny());
  CHECK(t->vocab_size() == 260);
  CHECK(t->encode("hell") == Ids{258});
  CHECK(t->encode("hell hell").front() == 258);
  CHECK(t->special("<s>") == 259);
  CHECK(opened("gpt2", {{"dir", file.path.string()}}, file.host)->encode("he") == Ids{256});
}

TEST_CASE("merges may be written as pairs, and text may be cut by another pattern") {
  File file;
  Json json = tiny();
  json["model"]["merges"] = Json::array({{"h", "e"}, {"l", "l"}, {"he", "ll"}});
  json["pre_tokenizer"] = split_by("l");
  const auto t = file.open(json);
  CHECK(t->encode("hell").front() == 256);
  CHECK(t->encode("hell").size() == 3);
  const auto again = plugins().tokenizer("gpt2", {});
  again->load(t->save());
  CHECK(again->encode("hell") == t->encode("hell"));
}

TEST_CASE("a token that its merges do not make is found whole only when merges are to be ignored") {
  File file;
  Json json = tiny();
  json["model"]["merges"] = Json::array({"h e"});
  CHECK(file.open(json)->encode("hell").size() == 3);
  json["model"]["ignore_merges"] = true;
  CHECK(file.open(json)->encode("hell") == Ids{258});
}

TEST_CASE("an added token that is not special stands for its text in every text") {
  File file;
  Json json = tiny();
  CHECK(file.open(json)->encode("<s>").size() == 3);
  json["added_tokens"][0]["special"] = false;
  CHECK(file.open(json)->encode("he<s>") == Ids{256, 259});
  CHECK(file.open(json, {{"forbidden_special", "all"}})->encode("<s>") == Ids{259});
}

TEST_CASE("an added token may be in the vocabulary, too, and a special token may look like an ordinary one") {
  File file;
  Json json = tiny();
  json["added_tokens"][0]["content"] = "日";  // no character for a byte
  json["model"]["vocab"]["日"] = 259;
  CHECK(file.open(json)->special("日") == 259);

  const Table alike = {{"special_tokens", List{"hell", "\u0120"}}, {"allowed_special", "all"}};  // U+0120 stands for the blank
  const auto t = file.open(tiny(), alike);
  CHECK(t->encode("hell") == Ids{260});
  CHECK(t->encode("\u0120") == Ids{261});
  const auto again = plugins().tokenizer("gpt2", {});
  again->load(t->save());
  CHECK(again->encode("hell") == Ids{258});
  CHECK(again->decode(Ids{261, 260}) == "\u0120hell");
  CHECK(again->save() == t->save());
}

TEST_CASE("a file of another kind is refused by the name of what differs") {
  const File file;
  const std::pair<const char*, std::pair<Json::json_pointer, Json>> cases[] = {
      {"a model of type \"Unigram\"", {"/model/type"_json_pointer, "Unigram"}},
      {"a model of type \"WordPiece\"", {"/model/type"_json_pointer, "WordPiece"}},
      {"\"byte_fallback\"", {"/model/byte_fallback"_json_pointer, true}},
      {"\"dropout\"", {"/model/dropout"_json_pointer, 0.1}},
      {"\"end_of_word_suffix\"", {"/model/end_of_word_suffix"_json_pointer, "</w>"}},
      {"\"continuing_subword_prefix\"", {"/model/continuing_subword_prefix"_json_pointer, "##"}},
      {"the normalizer \"NFC\"", {"/normalizer"_json_pointer, {{"type", "NFC"}}}},
      {"the pre_tokenizer \"Whitespace\"", {"/pre_tokenizer"_json_pointer, {{"type", "Whitespace"}}}},
      {"a pre_tokenizer of null", {"/pre_tokenizer"_json_pointer, nullptr}},
      {"add_prefix_space", {"/pre_tokenizer/add_prefix_space"_json_pointer, true}},
      {"without a pattern", {"/pre_tokenizer/use_regex"_json_pointer, false}},
      {"the decoder \"WordPiece\"", {"/decoder/type"_json_pointer, "WordPiece"}},
      {"the decoder \"null\"", {"/decoder"_json_pointer, nullptr}},
      {"'<s>' with \"lstrip\"", {"/added_tokens/0/lstrip"_json_pointer, true}},
  };
  for (const auto& [what, change] : cases) {
    Json json = tiny();
    json[change.first] = change.second;
    const Error e = file.error(json.dump());
    INFO(e.line());
    CHECK(e.code() == Code::data_corrupt);
    CHECK_THAT(e.what(), Contains(what) && Contains("is not supported"));
    CHECK_THAT(e.where(), Contains("tokenizer.json"));
  }
}

TEST_CASE("a damaged tokenizer.json is refused with what is wrong") {
  const File file;
  const std::string whole = tiny().dump();
  CHECK_THAT(file.error(whole.substr(0, whole.size() / 2)).what(), Contains("not a tokenizer.json"));
  CHECK_THAT(file.error("").what(), Contains("not a tokenizer.json"));
  CHECK_THAT(file.error("[]").what(), Contains("it has no \"model\""));
  CHECK_THAT(file.error(std::string(100000, '[')).what(), Contains("not a tokenizer.json"));
  const std::pair<const char*, std::pair<Json::json_pointer, Json>> cases[] = {
      {"it has no \"vocab\"", {"/model"_json_pointer, {{"type", "BPE"}}}},
      {"\"vocab\" is not an object", {"/model/vocab"_json_pointer, Json::array()}},
      {"the id of 'he' is not an integer", {"/model/vocab/he"_json_pointer, "x"}},
      {"the id 257 has two tokens", {"/model/vocab/he"_json_pointer, 257}},
      {"'he' has the id 4000000000", {"/model/vocab/he"_json_pointer, 4000000000}},
      {"the id 258 has two tokens; the second is '<s>'", {"/added_tokens/0/id"_json_pointer, 258}},
      {"\"merges\" is not an array", {"/model/merges"_json_pointer, 3}},
      {"merge 0 is not a pair", {"/model/merges"_json_pointer, {"hell"}}},
      {"merge 1 is not a pair", {"/model/merges"_json_pointer, Json::array({"h e", {"l"}})}},
      {"'x y' is merged", {"/model/merges"_json_pointer, Json::array({{"x y", "l"}})}},
      {"makes 'eh', which is not in the vocabulary", {"/model/merges"_json_pointer, {"e h"}}},
      {"\"content\" is not a text", {"/added_tokens/0/content"_json_pointer, 3}},
      {"\"added_tokens\" is not an array", {"/added_tokens"_json_pointer, 3}},
      {"is empty", {"/added_tokens/0/content"_json_pointer, ""}},
      {"not a tokenizer.json", {"/normalizer"_json_pointer, {{"type", 3}}}},
  };
  for (const auto& [what, change] : cases) {
    Json json = tiny();
    json[change.first] = change.second;
    const Error e = file.error(json.dump());
    INFO(e.line());
    CHECK(e.code() == Code::data_corrupt);
    CHECK_THAT(e.what(), Contains(what));
  }
}
