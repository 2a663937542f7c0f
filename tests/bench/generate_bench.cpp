// How much the KV cache saves: GPT-2 124M with random weights, greedy, 256 tokens from a prompt of one.
#include <chrono>
#include <cstdio>

#include "core/device/cpu_allocator.h"
#include "core/model/generate.h"
#include "core/model/gpt.h"

using namespace gptcore;

namespace {

double seconds(Gpt& model, size_t sequences, bool cached) {
  constexpr int64_t kTokens = 256;
  Sampling greedy;
  greedy.temperature = 0;
  const std::vector<Prompt> prompts(sequences, Prompt{{50256}, 0});
  const auto start = std::chrono::steady_clock::now();
  generate(
      model, at::kCPU, prompts, kTokens, greedy, [](size_t, const NextToken&) { return true; }, cached);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main() {
  use_caching_cpu_allocator();
  GptOptions options;
  options.vocab_size = 50257;
  Gpt model(options);
  model.open({});
  init_parameters(model.parameters(), 1);
  model.place(at::kCPU, at::kFloat);
  seconds(model, 1, true);
  const double cached = seconds(model, 1, true), recomputed = seconds(model, 1, false), eight = seconds(model, 8, true);
  std::printf("gpt2 124M, 256 tokens: cached %.2f s, recomputed %.2f s: %.1f times as fast\n", cached, recomputed,
              recomputed / cached);
  std::printf("8 sequences at once, cached: %.2f s, %.1f tokens/s\n", eight, 8 * 256 / eight);
}
