// Text from pieces that may end in the middle of a character, as tokens do: only whole UTF-8 characters come out.
#pragma once

#include <string>
#include <string_view>

namespace gptcore {

class Utf8Stream {
 public:
  // What is certain now: all but the start of a last character that later bytes may complete. Bytes that no later ones can
  // make a character become U+FFFD: one for each start of a character that was broken off, and for each other byte.
  std::string add(std::string_view piece);
  // What add() held back, as U+FFFD. Then all begins anew.
  std::string end();

 private:
  std::string tail_;  // fewer than 4 bytes
};

}  // namespace gptcore
