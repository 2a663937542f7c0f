#include "learning.h"

#include <algorithm>
#include <queue>
#include <string>
#include <unordered_map>

#include "bpe/byte_text.h"

namespace {

using gptcore::bpe::Merge;
using gptcore::bpe::Vocabulary;

uint64_t pair_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

struct Candidate {
  int64_t count;
  uint64_t pair;
  bool operator<(const Candidate& other) const {  // the largest is merged next
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

struct Word {
  std::vector<int32_t> ids;
  int64_t count;
};

// Holds the words as they are split into tokens so far, and the words with each pair of neighbours.
class Words {
 public:
  Words(const std::vector<WordCount>& counted, const std::array<int32_t, 256>& byte_ids) {
    words_.reserve(counted.size());
    for (const WordCount& c : counted) {
      Word word{{}, c.count};
      for (const char byte : c.word) word.ids.push_back(byte_ids[static_cast<unsigned char>(byte)]);
      words_.push_back(std::move(word));
      add_pairs(words_.size() - 1);
    }
    for (const auto& [pair, place] : pairs_) heap_.push({place.count, pair});
  }

  // Returns the most frequent pair, with a count of 0 when there is none. Counts in the heap may be too large, never too small.
  Candidate most_frequent() {
    while (!heap_.empty()) {
      const Candidate top = heap_.top();
      const int64_t now = count_of(top.pair);
      if (now == top.count && now > 0) return top;
      heap_.pop();
      if (now > 0) heap_.push({now, top.pair});
    }
    return {0, 0};
  }

  void merge(const Merge& merge) {
    const uint64_t pair = pair_of(merge.left, merge.right);
    const std::vector<uint32_t> where = std::move(pairs_[pair].words);
    grown_.clear();
    for (const uint32_t i : where) {
      Word& word = words_[i];
      if (!holds(word, merge)) continue;
      for (size_t at = 0; at + 1 < word.ids.size(); ++at) pairs_[pair_of(word.ids[at], word.ids[at + 1])].count -= word.count;
      replace(word, merge);
      add_pairs(i, merge.made);
    }
    pairs_.erase(pair);
    std::sort(grown_.begin(), grown_.end());
    grown_.erase(std::unique(grown_.begin(), grown_.end()), grown_.end());
    for (const uint64_t p : grown_) heap_.push({count_of(p), p});
  }

 private:
  struct Place {
    int64_t count = 0;
    std::vector<uint32_t> words;  // some may not hold the pair any more
  };
  static constexpr int32_t kAll = -1;

  int64_t count_of(uint64_t pair) const {
    const auto found = pairs_.find(pair);
    return found == pairs_.end() ? 0 : found->second.count;
  }
  static bool holds(const Word& word, const Merge& merge) {
    for (size_t at = 0; at + 1 < word.ids.size(); ++at)
      if (word.ids[at] == merge.left && word.ids[at + 1] == merge.right) return true;
    return false;
  }
  static void replace(Word& word, const Merge& merge) {
    size_t to = 0;
    for (size_t at = 0; at < word.ids.size(); ++to) {
      const bool here = at + 1 < word.ids.size() && word.ids[at] == merge.left && word.ids[at + 1] == merge.right;
      word.ids[to] = here ? merge.made : word.ids[at];
      at += here ? 2 : 1;
    }
    word.ids.resize(to);
  }
  // Counts the word's pairs; notes the word at the pairs that hold `fresh`, by default at all.
  void add_pairs(size_t i, int32_t fresh = kAll) {
    const Word& word = words_[i];
    for (size_t at = 0; at + 1 < word.ids.size(); ++at) {
      const uint64_t pair = pair_of(word.ids[at], word.ids[at + 1]);
      Place& place = pairs_[pair];
      place.count += word.count;
      if (fresh != kAll && word.ids[at] != fresh && word.ids[at + 1] != fresh) continue;
      if (place.words.empty() || place.words.back() != i) place.words.push_back(static_cast<uint32_t>(i));
      if (fresh != kAll) grown_.push_back(pair);
    }
  }

  std::vector<Word> words_;
  std::unordered_map<uint64_t, Place> pairs_;
  std::priority_queue<Candidate> heap_;
  std::vector<uint64_t> grown_;  // pairs that a merge made more frequent
};

}  // namespace

Vocabulary learn_merges(const std::vector<WordCount>& words, const LearningGoal& goal,
                        const std::function<void(int64_t)>& progress) {
  Vocabulary made;
  std::array<int32_t, 256> byte_ids{};
  std::unordered_map<std::string, int32_t> ids;
  const auto add = [&](std::string bytes) {
    const auto [entry, is_new] = ids.emplace(bytes, static_cast<int32_t>(made.tokens.size()));
    if (is_new) made.tokens.push_back(std::move(bytes));
    return entry->second;
  };
  for (const uint8_t byte : gptcore::bpe::bytes_in_order()) byte_ids[byte] = add(std::string(1, static_cast<char>(byte)));

  Words state(words, byte_ids);
  while (static_cast<int64_t>(made.tokens.size()) < goal.tokens) {
    const Candidate best = state.most_frequent();
    if (best.count < goal.min_count) break;
    Merge merge{static_cast<int32_t>(best.pair >> 32), static_cast<int32_t>(best.pair)};
    merge.made = add(made.tokens[static_cast<size_t>(merge.left)] + made.tokens[static_cast<size_t>(merge.right)]);
    made.merges.push_back(merge);
    state.merge(merge);
    progress(static_cast<int64_t>(made.tokens.size()));
  }
  return made;
}
