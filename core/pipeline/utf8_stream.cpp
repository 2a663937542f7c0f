#include "core/pipeline/utf8_stream.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "gptcore/utf8.h"

namespace gptcore {
namespace {

constexpr const char* kReplacement = "\xef\xbf\xbd";  // U+FFFD

// Returns the number of bytes at the beginning of `text` that begin some character. Precondition: no whole character is there.
size_t broken_length(std::string_view text) {
  GPTCORE_ASSERT(!text.empty(), "there is a byte to look at");
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size_t needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  size_t length = 1;
  for (; length < std::min(needed, text.size()); ++length) {
    // The second byte has tighter bounds when forms would be overlong, surrogates or above U+10FFFF.
    const bool second = length == 1;
    const unsigned char low = second && lead == 0xe0 ? 0xa0 : second && lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = second && lead == 0xed ? 0x9f : second && lead == 0xf4 ? 0x8f : 0xbf;
    if (byte(length) < low || byte(length) > high) break;
  }
  return length;
}

}  // namespace

std::string Utf8Stream::add(std::string_view piece) {
  const std::string text = std::exchange(tail_, {}).append(piece);
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    if (next_code_point(text, at) >= 0) {
      out.append(text, begin, at - begin);
      continue;
    }
    const size_t broken = broken_length(std::string_view(text).substr(begin));
    if (begin + broken == text.size() && broken > 0) {
      tail_ = text.substr(begin);
      break;
    }
    out += kReplacement;
    at = begin + std::max<size_t>(broken, 1);
  }
  return out;
}

std::string Utf8Stream::end() {
  return std::exchange(tail_, {}).empty() ? "" : kReplacement;
}

}  // namespace gptcore
