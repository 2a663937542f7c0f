// A line that a signal handler writes to standard error. It needs no heap memory and is truncated where it is too long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/plugin/breadcrumb.h"

namespace gptcore {

class HandlerLine {
 public:
  HandlerLine& operator<<(std::string_view text) noexcept;
  HandlerLine& operator<<(int64_t number) noexcept;
  HandlerLine& operator<<(const PluginCall& call) noexcept;
  // Appends `text`, escaped for the inside of a JSON string.
  HandlerLine& escaped(std::string_view text) noexcept;
  std::string_view text() const noexcept { return {text_.data(), size_}; }
  void write() const noexcept;

 private:
  std::array<char, 2048> text_{};
  size_t size_ = 0;
};

}  // namespace gptcore
