#include "testkit/tiny_text.h"

#include "gptcore/random.h"

namespace gptcore {

std::string tiny_text() {
  constexpr size_t kSize = 4096;
  constexpr std::string_view kVowels = "aeiou", kConsonants = "bcdfghjklmnpqrstvwxyz", kEnds = "    ,.;!\n";
  const uint64_t key = stream_key(1, "tiny text");
  uint64_t drawn = 0;
  const auto pick = [&](std::string_view from) { return from[random_bits(key, drawn++) % from.size()]; };
  std::string text(kTinyAlphabet);
  while (text.size() < kSize) {
    for (uint64_t syllables = 1 + random_bits(key, drawn++) % 3; syllables > 0; --syllables) {
      text += pick(kConsonants);
      text += pick(kVowels);
    }
    text += pick(kEnds);
  }
  text.resize(kSize);
  return text;
}

}  // namespace gptcore
