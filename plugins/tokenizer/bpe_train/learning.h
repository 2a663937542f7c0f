// Learns merges from counted words: again and again the most frequent pair of neighbours becomes a token.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bpe/vocabulary.h"
#include "word_counts.h"

struct LearningGoal {
  int64_t tokens = 0;     // stop at this many tokens, the 256 bytes included,
  int64_t min_count = 2;  // or when no pair is this frequent
};

// Returns the bytes in GPT-2's order, then a token for each merge that makes new bytes. Of equally frequent pairs the one with
// the smaller left id comes first, then the one with the smaller right id. `progress` is called with the number of tokens.
gptcore::bpe::Vocabulary learn_merges(const std::vector<WordCount>& words, const LearningGoal& goal,
                                      const std::function<void(int64_t)>& progress);
