#include "core/device/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>

#include "core/options/train_options.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

// Empty when a GPU is ready, else why not.
std::string load_cuda() {
  if (!dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL)) return "there is no NVIDIA driver (libcuda.so.1)";
  if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL))
    return std::string("LibTorch's CUDA part does not load: ") + dlerror();
  if (!at::globalContext().hasCUDA() || at::detail::getCUDAHooks().deviceCount() == 0)
    return "the driver reports no usable GPU";
  at::globalContext().setFloat32MatmulPrecision("high");
  return {};
}

}  // namespace

at::Device choose_device(const std::string& text) {
  if (text == "cpu") return at::kCPU;
  const std::string missing = load_cuda();
  if (text == "auto") return missing.empty() ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (!missing.empty())
    throw Error(Code::out_of_range, "the device '" + text + "' is not there: " + missing + "; this machine offers cpu",
                "choose cpu or auto");
  const auto index = text == "cuda" ? 0 : std::stoi(text.substr(5));
  if (const int count = at::detail::getCUDAHooks().deviceCount(); index >= count)
    throw Error(Code::out_of_range,
                "the device '" + text + "' is not there: this machine offers cpu and cuda:0" +
                    (count > 1 ? " to cuda:" + std::to_string(count - 1) : ""),
                "choose one of these, or auto");
  return {at::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

at::ScalarType precision_of(const std::string& text) {
  if (text == "bfloat16") return at::kBFloat16;
  return text == "float16" ? at::kHalf : at::kFloat;
}

int64_t usable_processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
}

int64_t environment_threads() {
  const char* const text = std::getenv("OMP_NUM_THREADS");
  return text ? std::clamp<int64_t>(std::atoll(text), 0, kMostThreads) : 0;
}

std::string threads_text(int64_t threads) {
  return std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

int64_t set_threads(int64_t threads) {
  if (threads == 0) threads = environment_threads();
  if (threads == 0) threads = usable_processors();
  at::set_num_threads(static_cast<int>(threads));
  return threads;
}

}  // namespace gptcore
