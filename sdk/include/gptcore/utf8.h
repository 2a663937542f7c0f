// Reads UTF-8 strictly: overlong forms, surrogates and numbers above U+10FFFF are errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gptcore {

// Returns the code point that starts at byte `at` and moves `at` past it. Returns -1 and leaves `at` when the bytes are not
// UTF-8. Precondition: at < text.size().
inline int32_t next_code_point(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return static_cast<int32_t>(text[at++]);
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() - at < length) return -1;
  int32_t point = lead & (0xff >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return -1;
    point = point << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  if (overlong || (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff) return -1;
  at += length;
  return point;
}

// Returns the offset of the first byte that is not UTF-8, or npos.
inline size_t find_invalid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();)
    if (next_code_point(text, at) < 0) return at;
  return std::string_view::npos;
}

// Appends the one to four bytes of a code point. Precondition: 0 <= point <= 0x10ffff.
inline void append_utf8(int32_t point, std::string& out) {
  const auto put = [&](int32_t bits) { out += static_cast<char>(bits); };
  const auto follow = [&](int shift) { put(0x80 | ((point >> shift) & 0x3f)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    follow(0);
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    follow(6);
    follow(0);
  } else {
    put(0xf0 | point >> 18);
    follow(12);
    follow(6);
    follow(0);
  }
}

}  // namespace gptcore
