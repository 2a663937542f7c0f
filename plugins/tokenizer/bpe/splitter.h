// Splits text into the pieces that merges do not cross, by a regular expression.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

namespace gptcore::bpe {

// [any thread] Immutable; each thread uses its own Cut.
class Splitter {
 public:
  // `pattern` is "gpt2" or a Perl regular expression. GPT-2's letters, numbers and spaces are those of Unicode 16, as
  // tiktoken's, whatever PCRE2's are. Throws Error(conflict) with the place in the expression when it is invalid.
  explicit Splitter(const std::string& pattern);

  // Returns the pieces of one text one after another, without a gap.
  class Cut {
   public:
    // `text` must be UTF-8 and outlive this.
    Cut(const Splitter& splitter, std::string_view text);
    // Returns the next piece; empty at the end.
    std::string_view next();

   private:
    struct Free {
      void operator()(pcre2_real_match_data_8* match) const noexcept;
    };
    const Splitter& splitter_;
    std::string_view text_;
    size_t at_ = 0;     // where the next piece begins
    size_t begin_ = 0;  // of the match ahead; text before it belongs to no match
    size_t end_ = 0;
    std::unique_ptr<pcre2_real_match_data_8, Free> match_;
  };

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const noexcept;
  };
  std::unique_ptr<pcre2_real_code_8, Free> code_;
  bool jit_ = false;
};

}  // namespace gptcore::bpe
