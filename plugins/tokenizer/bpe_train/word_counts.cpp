#include "word_counts.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "gptcore/utf8.h"

namespace {

constexpr size_t kChunk = 1 << 20;

using Counts = std::unordered_map<std::string_view, int64_t>;

bool is_ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Returns parts of about a megabyte, cut before the blank between two ASCII letters, where common patterns cut as well; a
// corpus without such a place is one chunk.
std::vector<std::string_view> chunks_of(std::string_view corpus) {
  std::vector<std::string_view> out;
  size_t begin = 0;
  for (size_t at = kChunk; at + 1 < corpus.size(); ++at) {
    if (corpus[at] != ' ' || !is_ascii_letter(corpus[at - 1]) || !is_ascii_letter(corpus[at + 1])) continue;
    out.push_back(corpus.substr(begin, at - begin));
    begin = at;
    at += kChunk;
  }
  out.push_back(corpus.substr(begin));
  return out;
}

void count(std::string_view word, Counts& counts) {
  for (; word.size() > kLongestWord; word.remove_prefix(kLongestWord)) ++counts[word.substr(0, kLongestWord)];
  if (!word.empty()) ++counts[word];
}

// Bytes that are not UTF-8 end a word and are not counted.
void count_chunk(std::string_view text, const gptcore::bpe::Splitter& splitter, Counts& counts) {
  while (!text.empty()) {
    const size_t invalid = gptcore::find_invalid_utf8(text);
    gptcore::bpe::Splitter::Cut cut(splitter, text.substr(0, invalid));
    for (std::string_view word = cut.next(); !word.empty(); word = cut.next()) count(word, counts);
    text.remove_prefix(invalid == std::string_view::npos ? text.size() : invalid + 1);
  }
}

}  // namespace

std::vector<WordCount> count_words(std::string_view corpus, const gptcore::bpe::Splitter& splitter, int64_t threads,
                                   const std::function<void(int64_t)>& progress) {
  const std::vector<std::string_view> chunks = chunks_of(corpus);
  const size_t workers = std::clamp<size_t>(static_cast<size_t>(threads), 1, chunks.size());
  std::atomic<size_t> next = 0;
  std::atomic<int64_t> done = 0;
  std::mutex joining;
  Counts all;
  std::exception_ptr failure;
  const auto work = [&] {
    try {
      Counts counts;
      for (size_t i = next++; i < chunks.size(); i = next++) {
        count_chunk(chunks[i], splitter, counts);
        progress(done += static_cast<int64_t>(chunks[i].size()));
      }
      const std::lock_guard lock(joining);
      for (const auto& [word, n] : counts) all[word] += n;
    } catch (...) {
      const std::lock_guard lock(joining);
      failure = std::current_exception();
      next = chunks.size();
    }
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < workers; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);

  std::vector<WordCount> words;
  for (const auto& [word, n] : all) words.push_back({word, n});
  std::sort(words.begin(), words.end(), [](const WordCount& a, const WordCount& b) { return a.word < b.word; });
  return words;
}
