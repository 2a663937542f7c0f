// The text that tiny runs are trained on.
#pragma once

#include <string>
#include <string_view>

namespace gptcore {

// The 32 characters of tiny_text(), which contains each of them.
inline constexpr std::string_view kTinyAlphabet = "\n !,.;abcdefghijklmnopqrstuvwxyz";
static_assert(kTinyAlphabet.size() == 32);

// Returns 4096 characters, always the same: lines of made-up words in which vowels follow consonants, so that there is
// something to learn.
std::string tiny_text();

}  // namespace gptcore
