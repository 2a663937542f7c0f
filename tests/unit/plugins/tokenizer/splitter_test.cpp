#include "bpe/splitter.h"

#include <string>
#include <vector>

#include "gptcore/error.h"
#include "gptcore/utf8.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

using Pieces = std::vector<std::string>;

Pieces cut(const std::string& text, const std::string& pattern = "gpt2") {
  const bpe::Splitter splitter(pattern);
  bpe::Splitter::Cut cut(splitter, text);
  Pieces out;
  for (std::string_view piece = cut.next(); !piece.empty(); piece = cut.next()) out.emplace_back(piece);
  return out;
}

std::string text_of(int32_t point) {
  std::string out;
  append_utf8(point, out);
  return out;
}

}  // namespace

TEST_CASE("GPT-2's pattern cuts words with their blank, numbers, marks and blanks") {
  CHECK(cut("Hello world, it's 2024!") == Pieces{"Hello", " world", ",", " it", "'s", " 2024", "!"});
  CHECK(cut("we'll I'LL don't") == Pieces{"we", "'ll", " I", "'", "LL", " don", "'t"});
  CHECK(cut("a  b\n\n c") == Pieces{"a", " ", " b", "\n\n", " c"});
  CHECK(cut("  ") == Pieces{"  "});
  CHECK(cut("a1_") == Pieces{"a", "1", "_"});
  CHECK(cut("").empty());
}

TEST_CASE("words go on beyond ASCII") {
  CHECK(cut("naïve façade") == Pieces{"naïve", " façade"});
  CHECK(cut("abc日本 1²³ !…!") == Pieces{"abc日本", " 1²³", " !…!"});
  CHECK(cut("ab\xc2\xa0 c") == Pieces{"ab", "\xc2\xa0", " c"});
}

TEST_CASE("letters and numbers are those of Unicode 16, whatever PCRE2's are") {
  for (const int32_t letter : {0x1c89, 0xa7da, 0x10d4a, 0x13460, 0x16d40, 0x1e5d0, 0x2ebf0, 0x31350, 0x323af})
    CHECK(cut("a" + text_of(letter)).size() == 1);
  for (const int32_t number : {0x10d40, 0x16d70, 0x1ccf0, 0x1e5f1}) CHECK(cut("1" + text_of(number)).size() == 1);
  CHECK(cut("a" + text_of(0x180e)) == Pieces{"a", text_of(0x180e)});
  CHECK(cut("!" + text_of(0x180e)).size() == 1);  // no space any more
}

TEST_CASE("text that a pattern leaves out is a piece, too") {
  CHECK(cut("ab12cd3", "[0-9]+") == Pieces{"ab", "12", "cd", "3"});
  CHECK(cut("ab12", "[a-z]") == Pieces{"a", "b", "12"});
  CHECK(cut("ab", "x*") == Pieces{"ab"});  // empty matches are none
}

TEST_CASE("a pattern that is no regular expression is refused with the place") {
  try {
    cut("", "a(b");
    FAIL();
  } catch (const Error& e) {
    CHECK(e.code() == Code::conflict);
    CHECK_THAT(e.what(), Catch::Matchers::Contains("a(b") && Catch::Matchers::Contains("offset 3"));
  }
}
