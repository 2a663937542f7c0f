#include "byte_text.h"

#include "gptcore/utf8.h"

namespace gptcore::bpe {
namespace {

constexpr int32_t kFirstSubstitute = 0x100;  // the character of the first byte that does not print as itself

constexpr bool prints_as_itself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

// Returns the character of each byte.
constexpr std::array<int32_t, 256> characters() {
  std::array<int32_t, 256> out{};
  int32_t next = kFirstSubstitute;
  for (int byte = 0; byte < 256; ++byte) out[static_cast<size_t>(byte)] = prints_as_itself(byte) ? byte : next++;
  return out;
}

constexpr std::array<int32_t, 256> kCharacters = characters();
constexpr int32_t kEnd = kFirstSubstitute + 68;  // 68 bytes do not print as themselves

constexpr std::array<int16_t, kEnd> bytes() {
  std::array<int16_t, kEnd> out{};
  out.fill(-1);
  for (size_t byte = 0; byte < 256; ++byte) out[static_cast<size_t>(kCharacters[byte])] = static_cast<int16_t>(byte);
  return out;
}

constexpr std::array<int16_t, kEnd> kBytes = bytes();

}  // namespace

std::array<uint8_t, 256> bytes_in_order() {
  std::array<uint8_t, 256> out{};
  size_t next = 0;
  for (const bool printing : {true, false})
    for (int byte = 0; byte < 256; ++byte)
      if (prints_as_itself(byte) == printing) out[next++] = static_cast<uint8_t>(byte);
  return out;
}

std::string printable_of(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) append_utf8(kCharacters[static_cast<unsigned char>(c)], out);
  return out;
}

std::optional<std::string> bytes_of(std::string_view printable) {
  std::string out;
  for (size_t at = 0; at < printable.size();) {
    const int32_t point = next_code_point(printable, at);
    if (point < 0 || point >= kEnd || kBytes[static_cast<size_t>(point)] < 0) return std::nullopt;
    out += static_cast<char>(kBytes[static_cast<size_t>(point)]);
  }
  return out;
}

}  // namespace gptcore::bpe
