// The keys of a sample stage. No LibTorch here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gptcore/schema.h"

namespace gptcore {

// The beginning of a prompt whose text is in a file.
inline constexpr std::string_view kPromptFile = "FILE:";

struct SampleOptions {
  std::string prompt = "\n";
  int64_t num_samples = 1;
  int64_t max_new_tokens = 500;
  double temperature = 0.8;
  int64_t top_k = 200;
  double top_p = 1;
  double repetition_penalty = 1;
  std::vector<std::string> stop;

  static void schema(Schema<SampleOptions>& s);
};

}  // namespace gptcore
