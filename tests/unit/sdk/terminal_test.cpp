#include "gptcore/draft/terminal.h"

#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("a wide character takes two columns, a combining one none, a broken byte one") {
  CHECK(columns_of("abc") == 3);
  CHECK(columns_of("h\xC3\xA9") == 2);
  CHECK(columns_of("\xE6\x96\x87\xE4\xBB\xB6.txt") == 8);  // two CJK characters
  CHECK(columns_of("e\xCC\x81") == 1);                     // e and an acute accent above it
  CHECK(columns_of("\xF0\x9F\x90\x88") == 2);              // a cat
  CHECK(columns_of("a\xffz") == 3);
  CHECK(columns_of("\xE6\x96") == 2);  // cut off
}

TEST_CASE("text is cut where its width ends, between characters") {
  CHECK(fitted("abcdef", 4) == "abcd");
  CHECK(fitted("abc", 4) == "abc");
  CHECK(fitted("\xE6\x96\x87\xE4\xBB\xB6", 3) == "\xE6\x96\x87");
  CHECK(fitted("e\xCC\x81x", 1) == "e\xCC\x81");
  CHECK(fitted("abc", 0).empty());
  CHECK(fitted("abc", -1).empty());
}

TEST_CASE("a control character cannot move the cursor") {
  CHECK(fitted("a\nb\x1b[2Jc\t", 20) == "a?b?[2Jc?");
}

TEST_CASE("what is no terminal is 80 columns wide") {
  CHECK(terminal_columns(-1) == 80);
}
