// GPT-2's pattern for PCRE2.
#pragma once

#include <string>

namespace gptcore::bpe {

// Returns a pattern that means '(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s+(?!\S)|\s with Unicode 16's
// letters, numbers and spaces. PCRE2 10.42 knows those of Unicode 14, and takes U+180E for a space.
std::string gpt2_pattern();

}  // namespace gptcore::bpe
