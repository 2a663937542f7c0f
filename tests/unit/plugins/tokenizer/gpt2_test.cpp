// The tokenizer gpt2 on a tiny vocabulary: h e l l o are 256 he, 257 ll, 258 hell, 259 hello; 260 is " w", 261 the end of text.
#include <rapidcheck.h>

#include <thread>

#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
using namespace gptcore::test;
using Catch::Matchers::Contains;

namespace {

int32_t id_of(char byte) {
  const auto order = bpe::bytes_in_order();
  for (size_t i = 0; i < order.size(); ++i)
    if (order[i] == static_cast<uint8_t>(byte)) return static_cast<int32_t>(i);
  return -1;
}

std::string any_bytes() {
  std::string out;
  for (int i = *rc::gen::inRange(0, 40); i > 0; --i) out += static_cast<char>(*rc::gen::inRange(0, 256));
  return out;
}

}  // namespace

TEST_CASE("merges are applied in the order of the file, the leftmost first") {
  const TinyVocabulary files;
  QuietHost host;
  const auto t = opened("gpt2", files.dir(), host);
  CHECK(t->vocab_size() == 262);
  CHECK(t->encode("hello") == Ids{259});
  CHECK(t->encode("hell") == Ids{258});
  CHECK(t->encode("lll") == Ids{257, id_of('l')});
  CHECK(t->encode("hello world") == Ids{259, 260, id_of('o'), id_of('r'), id_of('l'), id_of('d')});
  CHECK(t->encode("").empty());
  CHECK(t->decode(Ids{259, 260}) == "hello w");
  CHECK(t->decode(Ids{261}) == "<|endoftext|>");
}

TEST_CASE("long pieces are merged as short ones are") {
  const TinyVocabulary files({{"a", "a"}, {"aa", "aa"}, {"a", "b"}, {"aaaa", "ab"}});
  QuietHost host;
  const auto t = opened("gpt2", files.dir(), host);
  rc::check([&] {
    std::string word;
    for (int i = *rc::gen::inRange(1, 300); i > 0; --i) word += *rc::gen::element('a', 'a', 'b');
    // Merged one after another, rank by rank, as the definition says.
    std::vector<std::string> parts;
    for (const char c : word) parts.emplace_back(1, c);
    for (const auto& [left, right] : {std::pair<std::string, std::string>{"a", "a"}, {"aa", "aa"}, {"a", "b"}, {"aaaa", "ab"}})
      for (size_t i = 0; i + 1 < parts.size(); ++i)
        if (parts[i] == left && parts[i + 1] == right) {
          parts[i] += right;
          parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        }
    const Ids ids = t->encode(word);
    RC_ASSERT(ids.size() == parts.size());
    for (size_t i = 0; i < ids.size(); ++i) RC_ASSERT(t->decode({&ids[i], 1}) == parts[i]);
  });
}

TEST_CASE("any bytes come back, and bytes of one id add up to those of all") {
  const TinyVocabulary files;
  QuietHost host;
  for (const char* rule : {"tiktoken", "split"}) {
    const auto t = opened("gpt2", files.dir({{"invalid_utf8", rule}}), host);
    rc::check([&] {
      const std::string bytes = any_bytes() + *rc::gen::element("hello", " world\n\n", "é€") + any_bytes();
      const Ids ids = t->encode(bytes);
      RC_ASSERT(t->decode(ids) == bytes);
      size_t size = 0;
      for (const int32_t id : ids) size += t->decode({&id, 1}).size();
      RC_ASSERT(size == bytes.size());
    });
  }
}

TEST_CASE("a word seen before in a long text gets the same ids again") {
  const TinyVocabulary files;
  QuietHost host;
  const auto t = opened("gpt2", files.dir(), host);
  const std::vector<std::string> words = {" hellowhello", " whell", " xyz", " hello", " w"};
  std::string text;
  Ids expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string& word = words[static_cast<size_t>(i * i) % words.size()];
    text += word;
    const Ids ids = t->encode(word);
    expected.insert(expected.end(), ids.begin(), ids.end());
  }
  CHECK(t->encode(text) == expected);
}

TEST_CASE("threads that need the vocabulary at once all get it") {
  const TinyVocabulary files;
  QuietHost host;
  const auto t = opened("gpt2", files.dir(), host);
  std::vector<std::thread> threads;
  std::vector<Ids> found(4);
  for (Ids& ids : found) threads.emplace_back([&] { ids = t->encode("hello"); });
  for (std::thread& thread : threads) thread.join();
  for (const Ids& ids : found) CHECK(ids == Ids{259});
}

TEST_CASE("bytes that are not UTF-8 join the piece before them, are a piece, or are refused") {
  const TinyVocabulary files({{"h", "e"}, {"e", "\xff"}, {"\xff", " "}, {" ", "w"}});
  QuietHost host;
  const auto ids = [&](const char* rule, const std::string& text) {
    return opened("gpt2", files.dir({{"invalid_utf8", rule}}), host)->encode(text);
  };
  // tiktoken's rule: "he" and all behind it is one piece; merges cross into it and over the blank.
  CHECK(ids("tiktoken", "he\xff w") == Ids{256, 258, id_of('w')});
  CHECK(ids("split", "he\xff w") == Ids{256, id_of('\xff'), 259});
  CHECK(ids("split", "\xff\xfe") == Ids{id_of('\xff'), id_of('\xfe')});
  const Error e = error_of([&] { ids("refuse", "he\xff w"); });
  CHECK(e.code() == Code::data_corrupt);
  CHECK_THAT(e.what(), Contains("offset 2 is not UTF-8"));
  CHECK(ids("refuse", "he w") == Ids{256, 259});
  const auto with_special = opened("gpt2", files.dir({{"invalid_utf8", "refuse"}, {"allowed_special", "all"}}), host);
  CHECK_THAT(error_of([&] { with_special->encode("<|endoftext|>\xff"); }).what(), Contains("offset 13 is"));
}

TEST_CASE("blanks before the last piece join what is not UTF-8 when that piece begins with a blank token") {
  using Merges = std::vector<std::pair<std::string, std::string>>;
  const TinyVocabulary files(Merges{{" ", " "}});
  QuietHost host;
  const auto ids = [&](const char* rule) {
    return opened("gpt2", files.dir({{"invalid_utf8", rule}}), host)->encode("a  x\xff");
  };
  CHECK(ids("split") == Ids{id_of('a'), id_of(' '), id_of(' '), id_of('x'), id_of('\xff')});
  CHECK(ids("tiktoken") == Ids{id_of('a'), 256, id_of('x'), id_of('\xff')});
}

TEST_CASE("ids that are none are refused") {
  const TinyVocabulary files;
  QuietHost host;
  const auto t = opened("gpt2", files.dir(), host);
  CHECK(error_of([&] { t->decode(Ids{262}); }).code() == Code::token_out_of_range);
  CHECK(error_of([&] { t->decode(Ids{-1}); }).code() == Code::token_out_of_range);
}

TEST_CASE("what was saved encodes without the files") {
  std::string saved;
  QuietHost host;
  {
    const TinyVocabulary files;
    saved = opened("gpt2", files.dir({{"chat_tokens", true}}), host)->save();
  }
  const auto t = opened("gpt2", {{"dir", "/nonexistent"}, {"chat_tokens", true}}, host);
  t->load(saved);
  CHECK(t->encode("hello w") == Ids{259, 260});
  CHECK(t->vocab_size() == 267);
  CHECK(t->save() == saved);
  const auto downloading = opened("gpt2", {}, host);
  downloading->load(saved);
  CHECK(downloading->encode("hell") == Ids{258});
  CHECK(host.fetched.empty());
}

TEST_CASE("a saved vocabulary that is damaged, or lacks a special token, is refused") {
  const TinyVocabulary files;
  QuietHost host;
  const std::string saved = opened("gpt2", files.dir(), host)->save();
  for (const std::string& bad : {std::string(), std::string("{}"), saved.substr(0, saved.size() / 2), saved + "x"})
    CHECK(error_of([&] { opened("gpt2", files.dir(), host)->load(bad); }).code() == Code::checkpoint_corrupt);
  const Error e = error_of([&] { opened("gpt2", files.dir({{"special_tokens", List{"<x>"}}}), host)->load(saved); });
  CHECK(e.code() == Code::checkpoint_mismatch);
  CHECK_THAT(e.what(), Contains("<x>"));
}

TEST_CASE("without files GPT-2's are fetched by their hashes, and without a network the error says what to do") {
  QuietHost host;
  const auto t = opened("gpt2", {{"url", "https://mirror.example/gpt2"}}, host);
  const Error e = error_of([&] { t->encode("x"); });
  CHECK(e.code() == Code::download_failed);
  CHECK_THAT(e.line(), Contains("https://mirror.example/gpt2/encoder.json") && Contains("dir = ") && Contains("by hand"));

  const TinyVocabulary files;
  host = {};
  host.cache = files.path.string();
  CHECK(opened("gpt2", {}, host)->encode("hello") == Ids{259});
  REQUIRE(host.fetched.size() == 2);
  for (const auto& [url, sha256] : host.fetched) {
    CHECK_THAT(url, Contains("https://"));
    CHECK(sha256.size() == 64);
  }
}
