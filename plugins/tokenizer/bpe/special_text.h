// Finds special tokens in a text, and chooses which of them are allowed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gptcore/value.h"
#include "vocabulary.h"

namespace gptcore::bpe {

// The value of allowed_special or forbidden_special: "none", "all" or a list of texts.
struct SpecialChoice {
  bool all = false;
  std::vector<std::string> texts;

  bool contains(const std::string& text) const;
  // Sets `wrong` and returns nothing useful when the value is none of these.
  static SpecialChoice of(const Value& value, std::string& wrong);
};

// Finds some special tokens from left to right; of two at one place the longer. Precondition: their texts are not empty.
class SpecialSearch {
 public:
  SpecialSearch(std::vector<const SpecialToken*> wanted, std::string_view text);

  struct Hit {
    const SpecialToken* token = nullptr;  // null: there are no more
    size_t begin = std::string_view::npos;
  };
  // Returns the first hit at or after `from`, which must not shrink from call to call.
  Hit next(size_t from);

 private:
  std::string_view text_;
  std::vector<Hit> ahead_;  // each token's next place
};

}  // namespace gptcore::bpe
