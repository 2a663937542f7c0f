#include "core/base/text.h"

namespace gptcore {

std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  const size_t first = number < 0 ? 4 : 3;  // the sign is not a digit
  for (size_t at = text.size(); at > first; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string shape_text(std::span<const int64_t> shape) {
  std::string text = "(";
  for (const int64_t n : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + ")";
}

}  // namespace gptcore
