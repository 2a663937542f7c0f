#include "core/pipeline/utf8_stream.h"

#include <rapidcheck.h>

#include <string>
#include <vector>

#include "gptcore/utf8.h"
#include "tests/catch.h"

using gptcore::Utf8Stream;

namespace {

std::string whole(const std::string& bytes) {
  Utf8Stream stream;
  const std::string text = stream.add(bytes);
  return text + stream.end();
}

// Bytes that are often parts of characters.
std::string any_bytes() {
  std::string out;
  for (int i = *rc::gen::inRange(0, 30); i > 0; --i) {
    const std::string part = *rc::gen::element<std::string>("a", "é", "€", "𝄞", "\xe2", "\x82", "\xf0\x9d", "\xed\xa0", "\xff",
                                                            "\xc0", "\xf4\x90", "\xe0\x80", "\x80");
    out += part;
  }
  return out;
}

std::string any_text() {
  std::string out;
  for (int i = *rc::gen::inRange(0, 30); i > 0; --i) {
    const int32_t point = *rc::gen::inRange(0, *rc::gen::element(0x80, 0x800, 0xd800, 0x110000));
    gptcore::append_utf8(point >= 0xd800 && point < 0xe000 ? 'x' : point, out);
  }
  return out;
}

// The text cut at random places, with empty pieces between.
std::vector<std::string> cut(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size(); at += out.back().size()) {
    if (*rc::gen::arbitrary<bool>()) out.emplace_back();
    out.push_back(text.substr(at, static_cast<size_t>(*rc::gen::inRange(1, 5))));
  }
  return out;
}

}  // namespace

TEST_CASE("a character cut over several pieces comes out whole, with its last byte") {
  Utf8Stream stream;
  CHECK(stream.add("a\xf0\x9f") == "a");
  CHECK(stream.add("\x99").empty());
  CHECK(stream.add("\x82z") == "🙂z");
  CHECK(stream.end().empty());
}

TEST_CASE("what can no longer become a character is replaced at once, one mark for each broken start") {
  const std::string mark = "\xef\xbf\xbd";
  CHECK(whole("\x80") == mark);
  CHECK(whole("a\xff\xfez") == "a" + mark + mark + "z");
  CHECK(whole("\xe2\x82z") == mark + "z");
  CHECK(whole("\xed\xa0\x80") == mark + mark + mark);  // a surrogate
  CHECK(whole("\xc0\xaf") == mark + mark);             // overlong
  CHECK(whole("\xe0\x80\xaf") == mark + mark + mark);  // overlong
  CHECK(whole("\xf4\x91\x92\x93\xff\x41\x80\x42") == mark + mark + mark + mark + mark + "A" + mark + "B");
  CHECK(whole("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41") == mark + mark + mark + mark + "A");
  Utf8Stream stream;
  CHECK(stream.add("\xe2\x82") == "");
  CHECK(stream.add("\xe2") == mark);  // and the second start waits
  CHECK(stream.end() == mark);
  CHECK(stream.end() == "");
}

TEST_CASE("text comes out as it went in, wherever it is cut") {
  rc::check([] {
    const std::string text = any_text();
    Utf8Stream stream;
    std::string out;
    for (const std::string& piece : cut(text)) out += stream.add(piece);
    RC_ASSERT(out == text);
    RC_ASSERT(stream.end().empty());
  });
}

TEST_CASE("any bytes give valid UTF-8, the same wherever they are cut, and nothing certain is held back") {
  rc::check([] {
    const std::string bytes = any_bytes();
    Utf8Stream stream;
    std::string out, seen;
    for (const std::string& piece : cut(bytes)) {
      const std::string now = stream.add(piece);
      RC_ASSERT(gptcore::find_invalid_utf8(now) == std::string::npos);
      out += now;
      seen += piece;
      Utf8Stream copy = stream;
      RC_ASSERT(out + copy.end() == whole(seen));  // at most one unfinished character is missing
    }
    RC_ASSERT(out + stream.end() == whole(bytes));
  });
}
