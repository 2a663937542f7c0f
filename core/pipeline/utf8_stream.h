// Joins pieces of text that may end in the middle of a character, as tokens do, and returns only whole UTF-8 characters.
#pragma once

#include <string>
#include <string_view>

namespace gptcore {

class Utf8Stream {
 public:
  // Returns the text that is final now: all but the start of a last character that later bytes may complete. Bytes that no
  // later ones can make a character become U+FFFD: one for each start of a truncated character, and one for each other byte.
  std::string add(std::string_view piece);
  // Returns U+FFFD when add() has held something back, else "". The object is then as new.
  std::string end();

 private:
  std::string tail_;  // fewer than 4 bytes
};

}  // namespace gptcore
