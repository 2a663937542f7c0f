#include "splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <new>

#include "gpt2_pattern.h"
#include "gptcore/error.h"
#include "vocabulary.h"

namespace gptcore::bpe {
namespace {

std::string message_of(int code) {
  unsigned char text[256] = "";
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

void Splitter::Free::operator()(pcre2_real_code_8* code) const noexcept {
  pcre2_code_free(code);
}

void Splitter::Cut::Free::operator()(pcre2_real_match_data_8* match) const noexcept {
  pcre2_match_data_free(match);
}

Splitter::Splitter(const std::string& pattern) {
  const std::string expression = pattern == kGpt2Pattern ? gpt2_pattern() : pattern;
  int code = 0;
  size_t at = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(), PCRE2_UTF | PCRE2_UCP, &code,
                            &at, nullptr));
  if (!code_)
    throw Error(
        Code::conflict,
        "the pattern '" + pattern + "' is not a regular expression: " + message_of(code) + " at offset " + std::to_string(at),
        "pattern = \"gpt2\" is GPT-2's");
  jit_ = pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE) == 0;  // without it the same is found more slowly
}

Splitter::Cut::Cut(const Splitter& splitter, std::string_view text)
    : splitter_(splitter), text_(text), match_(pcre2_match_data_create(1, nullptr)) {
  if (!match_) throw std::bad_alloc();
}

std::string_view Splitter::Cut::next() {
  const auto piece_to = [&](size_t end) {
    const std::string_view piece = text_.substr(at_, end - at_);
    at_ = end;
    return piece;
  };
  if (at_ < end_) return piece_to(at_ < begin_ ? begin_ : end_);
  if (at_ == text_.size()) return {};

  const auto match = splitter_.jit_ ? pcre2_jit_match : pcre2_match;
  const uint32_t options = PCRE2_NOTEMPTY | (splitter_.jit_ ? 0 : PCRE2_NO_UTF_CHECK);
  const int found = match(splitter_.code_.get(), reinterpret_cast<PCRE2_SPTR>(text_.data()), text_.size(), at_, options,
                          match_.get(), nullptr);
  if (found == PCRE2_ERROR_NOMATCH) return piece_to(text_.size());
  if (found < 0)
    throw Error(Code::data_corrupt, "the pattern cannot cut the text at byte " + std::to_string(at_) + ": " + message_of(found),
                "use a pattern that needs less backtracking: ++ for +");
  const size_t* const place = pcre2_get_ovector_pointer(match_.get());
  begin_ = place[0];
  end_ = place[1];
  return piece_to(at_ < begin_ ? begin_ : end_);
}

}  // namespace gptcore::bpe
