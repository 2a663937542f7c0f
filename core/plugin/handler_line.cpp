#include "core/plugin/handler_line.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

namespace gptcore {

HandlerLine& HandlerLine::operator<<(std::string_view text) noexcept {
  const size_t fits = std::min(text.size(), text_.size() - size_);
  std::memcpy(text_.data() + size_, text.data(), fits);
  size_ += fits;
  return *this;
}

HandlerLine& HandlerLine::operator<<(int64_t number) noexcept {
  std::array<char, 24> digits{};
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return *this << std::string_view(digits.data(), static_cast<size_t>(end - digits.data()));
}

HandlerLine& HandlerLine::operator<<(const PluginCall& call) noexcept {
  if (!call.method) return *this << "plugin '" << call.callee->plugin << "', on a thread of its own";
  size_ += describe(call, std::span(text_).subspan(size_));
  return *this;
}

HandlerLine& HandlerLine::escaped(std::string_view text) noexcept {
  for (const char c : text) {
    if (c == '"' || c == '\\') *this << "\\";
    *this << (static_cast<unsigned char>(c) < 0x20 ? std::string_view("?") : std::string_view(&c, 1));
  }
  return *this;
}

void HandlerLine::write() const noexcept {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text_.data(), size_);
}

}  // namespace gptcore
