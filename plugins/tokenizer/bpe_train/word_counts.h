// Counts how often each piece occurs in a corpus, on several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "bpe/splitter.h"

struct WordCount {
  std::string_view word;  // points into the corpus; 1 to kLongestWord bytes
  int64_t count = 0;
};

// A longer piece counts as several: merges are learned from words, not from megabytes without a blank.
inline constexpr size_t kLongestWord = 1024;

// Returns the words in order of their bytes, whatever the number of threads. Any thread calls `progress`, with the bytes done.
std::vector<WordCount> count_words(std::string_view corpus, const gptcore::bpe::Splitter& splitter, int64_t threads,
                                   const std::function<void(int64_t)>& progress);
