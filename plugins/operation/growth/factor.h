// Factors by which the model grows.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "gptcore/error.h"
#include "gptcore/value.h"

namespace gptcore::operations {

inline constexpr int64_t kLargestFactor = 16;

// round(count * factor), but not above `target`; what is there already stays.
inline int64_t grown(int64_t count, double factor, int64_t target) {
  const auto wanted = static_cast<int64_t>(std::round(static_cast<double>(count) * factor));
  return std::max(count, target > 0 ? std::min(wanted, target) : wanted);
}

inline void refuse_factor(double factor) {
  if (!(factor > 1 && factor <= kLargestFactor))
    throw Error(Code::out_of_range, "a factor wants to be above 1 and at most 16, got " + to_toml(Value(factor)));
}

// Throws unless exactly one way of saying it is used.
inline void refuse_unless_one(int given, const std::string& ways) {
  if (given != 1)
    throw Error(given == 0 ? Code::missing_key : Code::conflict,
                given == 0 ? "there is no argument" : "there is more than one argument", "give one of " + ways);
}

}  // namespace gptcore::operations
