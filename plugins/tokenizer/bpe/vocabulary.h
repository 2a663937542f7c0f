// A byte-level BPE vocabulary as files hold it, complete and consistent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gptcore::bpe {

// Names GPT-2's pattern; another pattern is a Perl regular expression.
inline constexpr const char* kGpt2Pattern = "gpt2";

struct Merge {
  int32_t left = 0, right = 0, made = 0;
  bool operator==(const Merge&) const = default;
};

struct SpecialToken {
  std::string text;
  int32_t id = 0;
  bool always = false;  // stands for its text in every text, whatever the caller allows
  bool operator==(const SpecialToken&) const = default;
};

struct Vocabulary {
  std::string pattern = kGpt2Pattern;
  std::vector<std::string> tokens;  // by id: the bytes each stands for
  std::vector<Merge> merges;        // an earlier one is applied first
  std::vector<SpecialToken> specials;
  bool whole_pieces = false;  // a piece that is a token becomes that token, whatever the merges say

  // Returns the special token with that text, or null.
  const SpecialToken* special(std::string_view text) const;
  // Adds a special token after the last id. Throws Error(conflict) when that text has one.
  void add_special(const std::string& text);
};

// Collects what a file lists and checks that it is consistent. `add_...` and finish() throw Error(data_corrupt) at `where`.
class VocabularyBuilder {
 public:
  // At most `limit` tokens will come; a larger id is an error.
  VocabularyBuilder(std::string where, size_t limit) : where_(std::move(where)), limit_(limit) {}

  // Adds a token by its bytes as GPT-2's files write them.
  void add_token(const std::string& printable, int64_t id);
  // Adds a special token by its text.
  void add_special(const std::string& text, int64_t id, bool always);
  // Adds a merge, after all tokens. `where` is its place.
  void add_merge(const std::string& left, const std::string& right, const std::string& where);
  // Checks that every byte has a token and the ids are 0 to n-1.
  Vocabulary finish();

  [[noreturn]] void fail(const std::string& message) const { fail(message, where_); }

 private:
  [[noreturn]] static void fail(const std::string& message, const std::string& where);
  int32_t token(const std::string& printable, const std::string& where) const;
  void put(std::string bytes, int64_t id, const std::string& shown);

  std::string where_;
  size_t limit_;
  Vocabulary made_;
  std::vector<char> present_;  // by id
  std::unordered_map<std::string, int32_t> ids_;
};

}  // namespace gptcore::bpe
