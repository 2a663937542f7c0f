#include "core/pipeline/growing_text.h"

namespace gptcore {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// Number of tokens that are kept when the beginning is forgotten, which happens at twice as many.
constexpr size_t kTail = 16;

// Returns the length without marks at the end that the next tokens may turn into a character: one that lacks only its last byte
// has 3 marks.
size_t certain(std::string_view text) {
  for (int i = 0; i < 3 && text.ends_with(kReplacement); ++i) text.remove_suffix(kReplacement.size());
  return text.size();
}

// Returns whether there is more than broken characters and spaces, which are left out at the beginning of a text.
bool has_letters(std::string_view text) {
  while (!text.empty()) {
    if (text.starts_with(kReplacement))
      text.remove_prefix(kReplacement.size());
    else if (static_cast<unsigned char>(text.front()) <= ' ')
      text.remove_prefix(1);
    else
      return true;
  }
  return false;
}

}  // namespace

GrowingText::GrowingText(const Tokenizer& tokenizer, std::span<const int32_t> before)
    : tokenizer_(tokenizer), ids_(before.begin(), before.end()) {
  const std::string text = ids_.empty() ? std::string() : tokenizer_.decode(ids_);
  given_ = text.size();
  forget_beginning(text);
}

std::string GrowingText::add(int32_t token) {
  ids_.push_back(token);
  const std::string text = tokenizer_.decode(ids_);
  const size_t end = certain(text);
  std::string out;
  if (end > given_) {
    out = text.substr(given_, end - given_);
    given_ = end;
  }
  forget_beginning(text);
  return out;
}

std::string GrowingText::end() const {
  const std::string text = ids_.empty() ? std::string() : tokenizer_.decode(ids_);
  return text.size() > given_ ? text.substr(given_) : std::string();
}

// Drops all tokens but the tail. When the tail decodes to the end of the whole text, so do all its continuations.
void GrowingText::forget_beginning(const std::string& text) {
  if (ids_.size() < 2 * kTail) return;
  const std::span<const int32_t> tail = std::span(ids_).last(kTail);
  const std::string own = tokenizer_.decode(tail);
  if (!has_letters(own) || !text.ends_with(own)) return;
  const size_t forgotten = text.size() - own.size();
  if (forgotten > given_) return;
  ids_.erase(ids_.begin(), ids_.end() - kTail);
  given_ -= forgotten;
}

}  // namespace gptcore
