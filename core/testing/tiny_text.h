// The text that tiny runs are trained on.
#pragma once

#include <string>
#include <string_view>

namespace gptcore {

// Its 32 characters, each of which occurs in it.
inline constexpr std::string_view kTinyAlphabet = "\n !,.;abcdefghijklmnopqrstuvwxyz";
static_assert(kTinyAlphabet.size() == 32);

// 4096 characters, always the same: lines of made-up words in which vowels follow consonants, so that there is something to
// learn.
std::string tiny_text();

}  // namespace gptcore
