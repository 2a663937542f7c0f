// The keys of [run]. No LibTorch here.
#pragma once

#include <cstdint>
#include <string>

#include "gptcore/schema.h"

namespace gptcore {

struct RunOptions {
  std::string name = "run";
  std::string out_dir;  // "" = runs/<name> under the current folder
  int64_t seed = 1337;
  std::string device = "auto";        // auto | cpu | cuda | cuda:N
  std::string precision = "float32";  // float32 | bfloat16 | float16
  int64_t threads = 0;                // 0 = OMP_NUM_THREADS, else all processors
  double peak_tflops = 0;             // for MFU; 0 = the device's known peak, on a CPU a measured sgemm

  static void schema(Schema<RunOptions>& s);
};

}  // namespace gptcore
