// Factors by which the model grows.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "gptcore/error.h"
#include "gptcore/value.h"

namespace gptcore::operations {

inline constexpr int64_t kLargestFactor = 16;

// Returns round(count * factor), but not above `target` and not below `count`.
inline int64_t grown(int64_t count, double factor, int64_t target) {
  const auto wanted = static_cast<int64_t>(std::round(static_cast<double>(count) * factor));
  return std::max(count, target > 0 ? std::min(wanted, target) : wanted);
}

inline void refuse_factor(double factor) {
  if (!(factor > 1 && factor <= kLargestFactor))
    throw Error(Code::out_of_range, "a factor expects to be above 1 and at most 16, got " + to_toml(Value(factor)));
}

// Throws unless exactly one way to give the argument is used.
inline void refuse_unless_one(int given, const std::string& ways) {
  if (given != 1)
    throw Error(given == 0 ? Code::missing_key : Code::conflict,
                given == 0 ? "there is no argument" : "there is more than one argument", "give one of " + ways);
}

}  // namespace gptcore::operations
