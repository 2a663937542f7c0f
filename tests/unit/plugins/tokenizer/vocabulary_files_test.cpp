// Files that are not there, damaged, or do not fit each other.
#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
using namespace gptcore::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

void check(const Error& e, const std::string& what, const std::string& where) {
  INFO(e.line());
  CHECK(e.code() == Code::data_corrupt);
  CHECK_THAT(e.what(), Contains(what));
  CHECK(e.where() == where);
  CHECK(!e.hint().empty());
}

}  // namespace

TEST_CASE("files that are not there are named") {
  const TinyVocabulary files;
  const Error folder = reading_error({{"dir", "/nonexistent"}});
  CHECK(folder.code() == Code::data_missing);
  CHECK(folder.where() == "/nonexistent");
  fs::remove(files.vocab_bpe());
  const Error merges = reading_error(files.dir());
  CHECK(merges.code() == Code::data_missing);
  CHECK(merges.where() == files.vocab_bpe().string());
  CHECK(reading_error({{"tokenizer_json", files.path.string()}}).code() == Code::data_missing);  // a folder
}

TEST_CASE("files may be named one by one, and only one way") {
  const TinyVocabulary files;
  QuietHost host;
  const Value encoder = files.encoder_json().string(), merges = files.vocab_bpe().string();
  CHECK(opened("gpt2", {{"vocab_bpe", merges}, {"encoder_json", encoder}}, host)->vocab_size() == 262);
  for (const Table& values :
       {Table{{"vocab_bpe", merges}}, Table{{"encoder_json", encoder}}, files.dir({{"tokenizer_json", "x"}}),
        Table{{"vocab_bpe", merges}, {"encoder_json", encoder}, {"tokenizer_json", "x"}}})
    CHECK(error_of([&] { plugins().tokenizer("gpt2", values); }).code() == Code::conflict);
}

TEST_CASE("an encoder.json that is damaged, or of another kind, is refused") {
  const TinyVocabulary files;
  const std::string whole = read_raw(files.encoder_json()), where = files.encoder_json().string();
  const auto error = [&](const std::string& text) {
    write_raw(files.encoder_json(), text);
    return reading_error(files.dir());
  };
  check(error(whole.substr(0, whole.size() / 2)), "this is no encoder.json", where);
  check(error(""), "this is no encoder.json", where);
  check(error("[1, 2]"), "this is no encoder.json", where);
  check(error("{}"), "this is no encoder.json", where);
  check(error(R"({"a": "b"})"), "the id of 'a' is no integer", where);
  check(error(R"({"a": 0, "b": 0})"), "the id 0 has two tokens; the second is 'b'", where);
  check(error(R"({"a": 7})"), "'a' has the id 7, but there are only 1 tokens", where);
  check(error(R"({"a": -1})"), "'a' has the id -1", where);
  check(error(R"({"日": 0})"), "not written in GPT-2's characters", where);
  check(error(R"({"": 0})"), "not written in GPT-2's characters", where);
}

TEST_CASE("an encoder.json with a gap, or without some byte, is refused") {
  TinyVocabulary files;
  files.tokens[5] = "zz";  // in the place of a byte
  files.write();
  check(reading_error(files.dir()), "has no token: this is not a byte-level vocabulary", files.encoder_json().string());
  TinyVocabulary twice;
  twice.tokens[260] = twice.tokens[259];  // one name: JSON keeps one of them
  twice.write();
  check(reading_error(twice.dir()), "id", twice.encoder_json().string());
}

TEST_CASE("a vocab.bpe that is cut off, or names unknown tokens, is refused with its line") {
  const TinyVocabulary files;
  const std::string whole = read_raw(files.vocab_bpe()), path = files.vocab_bpe().string();
  const auto error = [&](const std::string& text) {
    write_raw(files.vocab_bpe(), text);
    return reading_error(files.dir());
  };
  check(error(whole.substr(0, whole.size() - 1)), "cut off", path + ":6");
  check(error(""), "there is no merge", path);
  check(error("#version: 0.2\n"), "there is no merge", path);
  check(error("h e\nx\n"), "no pair of tokens: 'x'", path + ":2");
  check(error("h e l\n"), "no pair of tokens", path + ":1");
  check(error("h e\nhe yy\n"), "'yy' is merged, but is not in the vocabulary", path + ":2");
  check(error("h h\n"), "makes 'hh', which is not in the vocabulary", path + ":1");
}
