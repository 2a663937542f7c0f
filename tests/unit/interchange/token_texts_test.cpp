#include "core/interchange/token_texts.h"

#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/interchange/hf_tokenizer.h"
#include "gptcore/error.h"
#include "tests/catch.h"
#include "tests/unit/base/temp_folder.h"

using namespace gptcore;
using Json = nlohmann::json;
using Ids = std::vector<int64_t>;

namespace {

Json file_of(Json model, Json pre_tokenizer = nullptr, Json added = Json::array()) {
  return {{"model", std::move(model)}, {"pre_tokenizer", std::move(pre_tokenizer)}, {"added_tokens", std::move(added)}};
}

const Json kByteLevel = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
const Json kMetaspace = {{"type", "Metaspace"}, {"replacement", "\u2581"}};

Json special(int id, const std::string& text) {
  return {{{"id", id}, {"content", text}, {"special", true}}};
}

// "a", " the", the byte 0x80, "<|endoftext|>", "ing".
std::vector<TokenText> byte_level() {
  return token_texts_of_json(file_of({{"type", "BPE"}, {"vocab", {{"a", 0}, {"\u0120the", 1}, {"\u0122", 2}, {"ing", 4}}}},
                                     kByteLevel, special(3, "<|endoftext|>"))
                                 .dump());
}

// A field of a protobuf message that holds bytes, or a number.
std::string field(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(bytes.size()) + bytes;
}
std::string field(int number, int value) {
  return {static_cast<char>(number << 3), static_cast<char>(value)};
}

// A SentencePiece model of <unk>, </s>, <0x80>, <0x61>, U+2581 "the", "a" and "ing".
std::string piece_model() {
  const auto piece = [](const std::string& text, int kind) { return field(1, field(1, text) + field(3, kind)); };
  return piece("<unk>", 2) + piece("</s>", 3) + piece("<0x80>", 6) + piece("<0x61>", 6) + piece("\u2581the", 1) +
         piece("a", 1) + piece("ing", 1) + field(2, field(3, 2));
}

}  // namespace

TEST_CASE("tokens of byte-level BPE and of SentencePiece are the same where they stand for the same bytes", "[init_from]") {
  const auto pieces = token_texts_of_pieces(piece_model());
  CHECK(matching_ids(byte_level(), pieces) == Ids{5, 4, 2, -1, 6});
  CHECK(matching_ids(pieces, byte_level()) == Ids{-1, -1, 2, -1, 1, 0, 4});  // "a", not <0x61>
  CHECK(matching_ids(pieces, pieces) == Ids{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("a tokenizer.json of any model tells its tokens", "[init_from]") {
  const auto pieces = token_texts_of_pieces(piece_model());
  const Json unigram = {
      {"type", "Unigram"},
      {"unk_id", 0},
      {"byte_fallback", true},
      {"vocab", Json::parse(R"([["<unk>", 0], ["\u2581the", -1.5], ["<0x61>", -2], ["<0x80>", -2], ["a", -3], ["</s>", 0]])")}};
  CHECK(matching_ids(token_texts_of_json(file_of(unigram, kMetaspace, special(5, "</s>")).dump()), pieces) ==
        Ids{0, 4, 3, 2, 5, 1});

  const Json merges = {{"type", "BPE"}, {"byte_fallback", true}, {"vocab", {{"\u2581the", 2}, {"a", 1}, {"<0x80>", 0}}}};
  CHECK(matching_ids(token_texts_of_json(file_of(merges).dump()), pieces) == Ids{2, 5, 4});

  const Json words = {{"type", "WordPiece"},
                      {"continuing_subword_prefix", "##"},
                      {"vocab", {{"[UNK]", 0}, {"the", 1}, {"##ing", 2}, {"a", 3}, {"##a", 4}}}};
  const auto word_pieces = token_texts_of_json(file_of(words, nullptr, special(0, "[UNK]")).dump());
  CHECK(matching_ids(word_pieces, byte_level()) == Ids{-1, 1, 4, -1, 0});
  CHECK(matching_ids(word_pieces, token_texts_of_lines("[UNK]\r\n##ing\r\nthe\r\n")) == Ids{0, 2, 1, -1, -1});
}

TEST_CASE("a word is the word without its space where no other tokens are there", "[init_from]") {
  const auto characters = token_texts_of_json(file_of({{"type", "BPE"}, {"vocab", {{"a", 0}, {",", 1}, {"我", 2}}}}).dump());
  CHECK(matching_ids(token_texts_of_lines("我\n,\na\n"), characters) == Ids{2, 1, 0});
}

TEST_CASE("tokenizers with unused ids match themselves, and an unused id takes no token's row", "[init_from]") {
  const auto holes = [](int second) {
    return token_texts_of_json(file_of({{"type", "BPE"}, {"vocab", {{"a", 0}, {"b", second}}}}, kByteLevel).dump());
  };
  CHECK(matching_ids(holes(3), holes(3)) == Ids{0, 1, 2, 3});
  CHECK(matching_ids(holes(3), holes(1)) == Ids{0, -1, -1, 1});
}

TEST_CASE("a special token is not the text that it looks like where both are there", "[init_from]") {
  const auto both = [](int special_id, int text_id) {
    return token_texts_of_json(
        file_of({{"type", "BPE"}, {"vocab", {{"<s>", text_id}}}}, kByteLevel, special(special_id, "<s>")).dump());
  };
  CHECK(matching_ids(both(0, 1), both(1, 0)) == Ids{1, 0});
  const auto listed = token_texts_of_json(file_of({{"type", "BPE"}, {"vocab", {{"<|endoftext|>", 0}}}}, kByteLevel).dump());
  CHECK(matching_ids(listed, byte_level()) == Ids{3});  // as vocab.json has it
}

TEST_CASE("the file that lists a folder's tokens is found, and refused by name when it is damaged", "[init_from]") {
  const auto files = posix_file_system();
  const TempFolder folder;
  const auto tokens = [&] { return read_hf_tokens(*files, hf_tokens_file(*files, folder.path)); };
  const auto put = [&](const char* name, const std::string& text) { write_file_atomically(*files, folder.path / name, text); };
  CHECK(hf_tokens_file(*files, folder.path).empty());
  put("vocab.txt", "[UNK]\nthe\n");
  CHECK(tokens().size() == 2);
  put("tokenizer.model", piece_model());
  CHECK(tokens().size() == 7);
  put("added_tokens.json", R"({"<|chat|>": 8})");
  CHECK(tokens().size() == 9);
  CHECK(tokens()[8].kind == TokenText::Kind::special);
  put("tokenizer.json", "{");
  CHECK_THROWS_WITH(tokens(), Catch::Contains("the tokens of the source's rows cannot be told"));
  put("tokenizer.json", file_of({{"type", "BPE"}, {"vocab", Json::object()}}).dump());
  CHECK_THROWS_WITH(tokens(), Catch::Contains("it lists none"));
  put("tokenizer.json", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n");
  CHECK_THROWS_WITH(tokens(), Catch::Contains("Git LFS pointer"));
  put("tokenizer.json", file_of({{"type", "BPE"}, {"end_of_word_suffix", "</w>"}, {"vocab", {{"the</w>", 0}}}}).dump());
  CHECK_THROWS_WITH(tokens(), Catch::Contains("mark the end of a word by '</w>'"));
  put("tokenizer.model", "no model");
  CHECK_THROWS_WITH(read_hf_tokens(*files, folder.path / "tokenizer.model"), Catch::Contains("no SentencePiece model"));
}
