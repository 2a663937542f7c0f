// Which device a run uses, and with how many threads. CUDA is looked for at run time: one program serves both.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace gptcore {

// "auto" | "cpu" | "cuda" | "cuda:N". Loads libtorch_cuda.so when a driver is there and the text allows a GPU. Call before any
// plugin is loaded. Throws Error(out_of_range) when a GPU is asked for and cannot be had, saying what is missing and what is
// there.
at::Device choose_device(const std::string& text);

// "float32", "bfloat16" or "float16".
at::ScalarType precision_of(const std::string& text);

// Processors that this process may use.
int64_t usable_processors();
// What OMP_NUM_THREADS says (its first number, where it is a list); 0 when it says nothing.
int64_t environment_threads();
// "1 thread", "2 threads".
std::string threads_text(int64_t threads);
// Sets LibTorch's threads: `threads` or, when 0, what OMP_NUM_THREADS says or else as many as processors. Returns the number.
int64_t set_threads(int64_t threads);

}  // namespace gptcore
