#include "core/model/generate.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>

#include <algorithm>
#include <limits>

#include "gptcore/random.h"

namespace gptcore {
namespace {

// logits (V) on the CPU -> a token drawn with the uniform number u.
int32_t choose(at::Tensor logits, const Sampling& sampling, double u) {
  if (sampling.temperature == 0) return static_cast<int32_t>(logits.argmax().item<int64_t>());
  logits = logits / sampling.temperature;
  if (sampling.top_k > 0 && sampling.top_k < logits.size(0)) {
    const at::Tensor least = std::get<0>(at::topk(logits, sampling.top_k)).min();
    logits = logits.masked_fill(logits < least, -std::numeric_limits<float>::infinity());
  }
  const at::Tensor p = at::softmax(logits, 0, at::kDouble).contiguous();
  const double* weight = p.const_data_ptr<double>();
  double sum = 0;
  int32_t last = 0;
  for (int64_t i = 0; i < p.size(0); ++i) {
    if (weight[i] == 0) continue;
    last = static_cast<int32_t>(i);
    sum += weight[i];
    if (u < sum) break;
  }
  return last;
}

}  // namespace

void generate(Model& model, at::Device device, std::vector<int32_t> prompt, int64_t count, const Sampling& sampling,
              int64_t sample, const std::function<bool(int32_t)>& on_token) {
  const at::NoGradGuard no_grad;
  model.train(false);
  std::vector<int64_t> ids(prompt.begin(), prompt.end());
  const uint64_t key = stream_key(sampling.seed, "sample");
  for (int64_t i = 0; i < count; ++i) {
    const int64_t length = std::min(static_cast<int64_t>(ids.size()), model.block_size());
    const at::Tensor context = at::from_blob(ids.data() + ids.size() - length, {1, length}, at::kLong).to(device);  // (1, T)
    const at::Tensor logits = model.logits(context)[0][length - 1].to(at::kCPU);                                    // (V)
    const int32_t token =
        choose(logits, sampling, random_uniform(key, (static_cast<uint64_t>(sample) << 32) | static_cast<uint64_t>(i)));
    ids.push_back(token);
    if (!on_token(token)) break;
  }
  model.train(true);
}

}  // namespace gptcore
