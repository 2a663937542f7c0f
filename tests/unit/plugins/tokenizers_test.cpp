#include <rapidcheck.h>

#include "built_in.h"
#include "gptcore/utf8.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

std::unique_ptr<Tokenizer> learned(const std::string& corpus) {
  auto t = built_in().tokenizer("char", {});
  t->learn(corpus);
  return t;
}

using Ids = std::vector<int32_t>;

std::string any_utf8() {
  std::string text;
  for (int i = *rc::gen::inRange(1, 40); i > 0; --i) {
    const int32_t limit = *rc::gen::element(0x80, 0x800, 0xd800, 0x110000);
    const int32_t point = *rc::gen::inRange(0, limit);
    append_utf8(point >= 0xd800 && point < 0xe000 ? 'x' : point, text);
  }
  return text;
}

}  // namespace

TEST_CASE("char gives ids in the order of code points") {
  const auto t = learned("ba\nüb€");
  CHECK(t->vocab_size() == 5);
  CHECK(t->encode("\nabü€") == Ids{0, 1, 2, 3, 4});
  CHECK(t->decode(Ids{4, 0, 1}) == "€\na");
}

TEST_CASE("char is not ready before it has learned or loaded") {
  const auto t = built_in().tokenizer("char", {});
  CHECK(!t->ready());
  t->load(learned("abc")->save());
  CHECK(t->ready());
  CHECK(t->vocab_size() == 3);
}

TEST_CASE("char decodes what it encoded, also after saving and loading") {
  rc::check([] {
    const std::string text = any_utf8();
    const auto t = learned(text);
    RC_ASSERT(t->decode(t->encode(text)) == text);
    auto copy = built_in().tokenizer("char", {});
    copy->load(t->save());
    RC_ASSERT(copy->encode(text) == t->encode(text));
    RC_ASSERT(copy->save() == t->save());
  });
}

TEST_CASE("char names an unknown character and where it is") {
  const auto t = learned("abc€");
  const Error e = error_of([&] { t->encode("a€Z"); });
  CHECK(e.code() == Code::unknown_character);
  CHECK_THAT(e.what(), Contains("'Z' (U+005A) at byte offset 4") && Contains("4"));
  CHECK_THAT(e.hint(), !Contains("use the tokenizer"));  // it may be that of a trained run
  CHECK_THAT(error_of([&] { t->encode("\n"); }).what(), Contains("character U+000A at byte offset 0"));
  CHECK_THAT(error_of([&] { t->encode("𝄞"); }).what(), Contains("U+1D11E"));
}

TEST_CASE("char refuses bytes that are not UTF-8 and names their place") {
  for (const std::string bad :
       {"ab\xff", "ab\xc3", "ab\xc0\x80", "ab\xed\xa0\x80", "ab\xf4\x90\x80\x80", "ab\xe2\x82z", "ab\x80"}) {
    const Error e = error_of([&] { learned(bad); });
    CHECK(e.code() == Code::data_corrupt);
    CHECK_THAT(e.what(), Contains("at offset 2 is not UTF-8"));
    CHECK(error_of([&] { learned("ab")->encode(bad); }).code() == Code::data_corrupt);
  }
}

TEST_CASE("char refuses an empty corpus and ids it did not give") {
  CHECK(error_of([] { learned(""); }).code() == Code::data_empty);
  const auto t = learned("abc");
  CHECK(error_of([&] { t->decode(Ids{3}); }).code() == Code::token_out_of_range);
  CHECK(error_of([&] { t->decode(Ids{-1}); }).code() == Code::token_out_of_range);
}

TEST_CASE("char refuses a damaged vocabulary") {
  for (const char* bad : {"", "{}", "[]", R"({"characters":3})", R"({"characters":[]})", R"({"characters":["ab"]})",
                          R"({"characters":["b","a"]})", R"({"characters":["a","a"]})", R"({"characters":[""]})"}) {
    INFO(bad);
    CHECK(error_of([&] { built_in().tokenizer("char", {})->load(bad); }).code() == Code::checkpoint_corrupt);
  }
}

TEST_CASE("byte encodes any bytes as themselves") {
  const auto t = built_in().tokenizer("byte", {});
  CHECK(t->ready());
  CHECK(t->vocab_size() == 256);
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(t->encode(all)[200] == 200);
  CHECK(t->decode(t->encode(all)) == all);
  CHECK(error_of([&] { t->decode(Ids{256}); }).code() == Code::token_out_of_range);
}
