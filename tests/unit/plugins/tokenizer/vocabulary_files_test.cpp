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

TEST_CASE("lines may end with CR LF") {
  const TinyVocabulary files;
  QuietHost host;
  const auto saved = opened("gpt2", files.dir(), host)->save();
  std::string text = read_raw(files.vocab_bpe());
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.insert(at, "\r");
  write_raw(files.vocab_bpe(), text);
  CHECK(opened("gpt2", files.dir(), host)->save() == saved);
}

TEST_CASE("Hugging Face's vocab.json and merges.txt are read, with the tokens of added_tokens.json") {
  const TinyVocabulary files;
  QuietHost host;
  fs::rename(files.encoder_json(), files.path / "vocab.json");
  CHECK_THAT(reading_error(files.dir()).what(), Contains("cannot read the file"));  // vocab.bpe alone
  fs::rename(files.vocab_bpe(), files.path / "merges.txt");
  const auto t = opened("gpt2", files.dir(), host);
  CHECK(t->vocab_size() == 262);
  CHECK(t->encode("hello") == Ids{259});
  CHECK(t->special("<|endoftext|>") == 261);
  write_raw(files.path / "added_tokens.json", R"({"<pad>": 262, "日": 263})");
  const auto more = opened("gpt2", files.dir({{"allowed_special", "all"}}), host);
  CHECK(more->vocab_size() == 264);
  CHECK(more->encode("hello<pad>") == Ids{259, 262});
  CHECK(more->special("日") == 263);
  fs::remove(files.path / "merges.txt");
  CHECK_THAT(reading_error(files.dir()).what(), Contains("vocab.json and merges.txt"));
}

TEST_CASE("a token of vocab.json that its merges do not make is not found whole, as in Hugging Face's library") {
  TinyVocabulary files;
  QuietHost host;
  files.lines.pop_back();
  files.lines.pop_back();
  files.write();
  CHECK(opened("gpt2", files.dir(), host)->encode("hello") == Ids{259});  // as tiktoken
  fs::rename(files.encoder_json(), files.path / "vocab.json");
  fs::rename(files.vocab_bpe(), files.path / "merges.txt");
  CHECK(opened("gpt2", files.dir(), host)->encode("hello").size() == 2);
}

TEST_CASE("a Git LFS pointer is named as one") {
  const TinyVocabulary files;
  const char* const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 456318\n";
  for (const fs::path& path : {files.vocab_bpe(), files.encoder_json(), files.path / "tokenizer.json"}) {
    write_raw(path, pointer);
    const Error e = path.extension() == ".json" && path.stem() == "tokenizer"
                        ? reading_error({{"tokenizer_json", path.string()}})
                        : reading_error(files.dir());
    INFO(e.line());
    CHECK(e.code() == Code::data_missing);
    CHECK(e.where() == path.string());
    CHECK_THAT(e.what(), Contains("this is a Git LFS pointer"));
  }
}

TEST_CASE("an encoder.json that is damaged, or of another kind, is refused") {
  const TinyVocabulary files;
  const std::string whole = read_raw(files.encoder_json()), where = files.encoder_json().string();
  const auto error = [&](const std::string& text) {
    write_raw(files.encoder_json(), text);
    return reading_error(files.dir());
  };
  check(error(whole.substr(0, whole.size() / 2)), "this is not a valid encoder.json", where);
  check(error(""), "this is not a valid encoder.json", where);
  check(error("[1, 2]"), "this is not a valid encoder.json", where);
  check(error("{}"), "this is not a valid encoder.json", where);
  check(error(R"({"a": "b"})"), "the id of 'a' is not an integer", where);
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
  check(error(whole.substr(0, whole.size() - 1)), "truncated", path + ":6");
  check(error(""), "there is no merge", path);
  check(error("#version: 0.2\n"), "there is no merge", path);
  check(error("h e\nx\n"), "not a pair of tokens: 'x'", path + ":2");
  check(error("h e l\n"), "not a pair of tokens", path + ":1");
  check(error("h e\nhe yy\n"), "'yy' is merged, but is not in the vocabulary", path + ":2");
  check(error("h h\n"), "makes 'hh', which is not in the vocabulary", path + ":1");
}
