#include "core/device/throughput.h"

#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace gptcore {

double measured_sgemm_flops() {
  constexpr int64_t n = 1024;
  const at::Tensor a = at::full({n, n}, 0.37f), b = at::full({n, n}, 1.11f);
  double best = 0;
  for (int i = 0; i < 6; ++i) {
    const auto start = std::chrono::steady_clock::now();
    at::mm(a, b);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, 2.0 * n * n * n / seconds);
  }
  return best;
}

namespace {

struct Known {
  const char* name;  // part of the driver's name for the card
  double dense_bf16, dense_tf32;
};

// Dense rates, from the data sheets.
constexpr Known kKnown[] = {{"B200", 2250e12, 1125e12}, {"H200", 989e12, 494.5e12}, {"H100", 989e12, 494.5e12},
                            {"A100", 312e12, 156e12},   {"L40S", 362e12, 183e12},   {"L4", 121e12, 60e12},
                            {"4090", 165e12, 82.6e12},  {"3090", 71e12, 35.6e12}};

// Reads the first card's name from the driver's plain files, one folder a card.
std::string first_gpu_name() {
  std::error_code none;
  for (const auto& card : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", none)) {
    std::ifstream in(card.path() / "information");
    for (std::string line; std::getline(in, line);)
      if (line.starts_with("Model:")) return line;
  }
  return {};
}

}  // namespace

double peak_flops(at::Device device, at::ScalarType precision) {
  if (device.is_cpu()) return measured_sgemm_flops();
  const std::string name = first_gpu_name();
  for (const Known& known : kKnown)
    if (name.find(known.name) != std::string::npos) return precision == at::kFloat ? known.dense_tf32 : known.dense_bf16;
  return 0;
}

}  // namespace gptcore
