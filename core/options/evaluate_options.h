// The keys of an evaluate stage. No LibTorch here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/options/counts.h"
#include "gptcore/schema.h"

namespace gptcore {

struct EvaluateOptions {
  std::vector<std::string> splits = {"val"};  // train, val
  int64_t eval_iters = kWholeSplit;
  int64_t batch_size = 12;

  static void schema(Schema<EvaluateOptions>& s);
};

}  // namespace gptcore
