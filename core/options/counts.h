// Limits and words of counts that several tables share.
#pragma once

#include <cstdint>

namespace gptcore {

inline constexpr double kMany = 1e15;          // a count that no run reaches, so that sums of a few stay within int64
inline constexpr int64_t kWholeSplit = -1;     // eval_iters = "all"
inline constexpr int64_t kMostThreads = 1024;  // with 2048 an update ends in a segmentation fault

}  // namespace gptcore
