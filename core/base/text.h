// Formats numbers and shapes for people.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gptcore {

// 1234567 -> "1,234,567"
std::string grouped(int64_t number);
// {3, 4} -> "(3, 4)"
std::string shape_text(std::span<const int64_t> shape);

}  // namespace gptcore
