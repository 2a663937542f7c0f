#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
using namespace gptcore::test;
using Catch::Matchers::Contains;

namespace {

constexpr int32_t kEnd = 261;  // <|endoftext|> of the tiny vocabulary

struct Special {
  std::unique_ptr<Tokenizer> with(Table values) { return opened("gpt2", files.dir(std::move(values)), host); }
  TinyVocabulary files;
  QuietHost host;
};

}  // namespace

TEST_CASE("text that looks like a special token is ordinary text unless it is allowed") {
  Special s;
  const std::string text = "hello<|endoftext|>hello";
  const Ids with = {259, kEnd, 259};
  CHECK(s.with({})->encode(text).size() > 10);
  CHECK(s.with({{"allowed_special", "none"}})->encode(text) == s.with({})->encode(text));
  CHECK(s.with({{"allowed_special", "all"}})->encode(text) == with);
  CHECK(s.with({{"allowed_special", List{"<|endoftext|>"}}})->encode(text) == with);
  CHECK(s.with({{"chat_tokens", true}, {"allowed_special", List{"<|bos|>"}}})->encode(text) == s.with({})->encode(text));
  CHECK(s.with({{"allowed_special", "all"}})->encode("<|endoftext|><|endoftext|>") == Ids{kEnd, kEnd});
}

TEST_CASE("a special token cuts the text: what is before it ends there") {
  Special s;
  const auto t = s.with({{"allowed_special", "all"}});
  // Before a word the last of two blanks would go to the word; before the token both are a piece.
  CHECK(t->encode("  <|endoftext|> w") == [&] {
    Ids ids = t->encode("  ");
    ids.insert(ids.end(), {kEnd, 260});
    return ids;
  }());
}

TEST_CASE("of two special tokens at one place the longer is taken") {
  Special s;
  const auto t = s.with({{"special_tokens", List{"<a>", "<a><b>", "<b>"}}, {"allowed_special", "all"}});
  CHECK(t->encode("<a><b>") == Ids{kEnd + 2});
  CHECK(t->encode("<a><a><b><b>") == Ids{kEnd + 1, kEnd + 2, kEnd + 3});
  CHECK(t->decode(Ids{kEnd + 2, kEnd + 1}) == "<a><b><a>");
}

TEST_CASE("special tokens get the ids behind the vocabulary, chat tokens first") {
  Special s;
  const auto t = s.with({{"special_tokens", List{"<x>", "<y>"}}, {"chat_tokens", true}});
  CHECK(t->vocab_size() == 262 + 5 + 2);
  CHECK(t->special("<|endoftext|>") == kEnd);
  CHECK(t->special("<|bos|>") == 262);
  CHECK(t->special("<|assistant_end|>") == 266);
  CHECK(t->special("<y>") == 268);
  CHECK(t->special("he") == std::nullopt);
}

TEST_CASE("a forbidden special token in the text is an error with its place, unless it is allowed") {
  Special s;
  const auto t = s.with({{"forbidden_special", "all"}});
  CHECK(t->encode("hello") == Ids{259});
  const Error e = error_of([&] { t->encode("hello<|endoftext|>"); });
  CHECK(e.code() == Code::data_corrupt);
  CHECK_THAT(e.what(), Contains("'<|endoftext|>' at byte 5"));
  CHECK(s.with({{"forbidden_special", "all"}, {"allowed_special", "all"}})->encode("<|endoftext|>") == Ids{kEnd});
  const auto one = s.with({{"forbidden_special", List{"<x>"}}, {"special_tokens", List{"<x>"}}});
  CHECK_NOTHROW(one->encode("<|endoftext|>"));
  CHECK_THROWS_AS(one->encode("<x>"), Error);
}

TEST_CASE("special tokens that cannot be are refused before anything is read") {
  const auto conflict = [](const Table& values) { return error_of([&] { plugins().tokenizer("gpt2", values); }); };
  CHECK_THAT(conflict({{"special_tokens", List{"<x>", "<x>"}}}).what(), Contains("'<x>' is there twice"));
  CHECK_THAT(conflict({{"special_tokens", List{"<|bos|>"}}, {"chat_tokens", true}}).what(),
             Contains("'<|bos|>' is there twice"));
  CHECK_THAT(conflict({{"special_tokens", List{""}}}).what(), Contains("empty"));
  CHECK_THAT(conflict({{"allowed_special", "some"}}).what(), Contains("allowed_special") && Contains("\"some\""));
  CHECK_THAT(conflict({{"allowed_special", List{1}}}).what(), Contains("integer"));
  CHECK_THAT(conflict({{"forbidden_special", true}}).what(), Contains("forbidden_special"));
}

TEST_CASE("names that are no special token, or are one already, are refused when the vocabulary is known") {
  Special s;
  CHECK(error_of([&] { s.with({{"special_tokens", List{"<|endoftext|>"}}})->vocab_size(); }).code() == Code::conflict);
  const Error e = error_of([&] { s.with({{"allowed_special", List{"<x>"}}})->encode(""); });
  CHECK(e.code() == Code::unknown_name);
  CHECK_THAT(e.what(), Contains("'<x>'"));
}
