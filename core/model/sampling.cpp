#include "core/model/sampling.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/base/assert.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

at::Tensor penalized(const at::Tensor& logits, double penalty, std::span<const int64_t> context) {
  at::Tensor out = logits.clone();
  float* values = out.mutable_data_ptr<float>();
  for (const int64_t id : std::unordered_set<int64_t>(context.begin(), context.end())) {
    if (id >= out.size(0)) continue;
    float& v = values[id];
    v = static_cast<float>(v > 0 ? v / penalty : v * penalty);
  }
  return out;
}

// Sets to 0 what is outside the nucleus and returns the sum of the rest.
double keep_nucleus(std::vector<double>& p, double share) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] != p[b] ? p[a] > p[b] : a < b; });
  double sum = 0;
  size_t kept = 0;
  while (kept < order.size() && sum < share) sum += p[order[kept++]];
  for (size_t i = kept; i < order.size(); ++i) p[order[i]] = 0;
  return sum;
}

int32_t draw(const at::Tensor& scores, const Sampling& s, double u) {
  if (s.temperature == 0) return static_cast<int32_t>(scores.argmax().item<int64_t>());
  const at::Tensor exact = scores.to(at::kDouble);
  at::Tensor logits = (exact - exact.max()) / s.temperature;  // at most 0: no temperature makes NaN of them
  if (s.top_k > 0 && s.top_k < logits.size(0)) {
    const at::Tensor least = std::get<0>(at::topk(logits, s.top_k)).min();
    logits = logits.masked_fill(logits < least, -std::numeric_limits<double>::infinity());
  }
  const at::Tensor softmax = at::softmax(logits, 0).contiguous();
  std::vector<double> p(softmax.const_data_ptr<double>(), softmax.const_data_ptr<double>() + softmax.size(0));
  if (s.top_p < 1) u *= keep_nucleus(p, s.top_p);
  double sum = 0;
  size_t last = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0) continue;
    last = i;
    sum += p[i];
    if (u < sum) break;
  }
  return static_cast<int32_t>(last);
}

// Throws for NaN or infinity in any logit, which spoils the likelihood of all.
void require_numbers(const at::Tensor& logits, const at::Tensor& drawable) {
  const auto largest = logits.max().item<float>();  // NaN where there is one
  if (std::isfinite(largest) && std::isfinite(drawable.max().item<float>())) return;
  const char* const found = std::isnan(largest) ? "there is NaN" : largest > 0 ? "one is infinite" : "no token may come";
  throw Error(Code::nonfinite, std::string("the model's logits are not finite: ") + found);
}

}  // namespace

NextToken choose(const at::Tensor& logits, const Sampling& s, std::span<const int64_t> context, double u) {
  GPTCORE_ASSERT(logits.dim() == 1 && logits.is_cpu(), "logits are (V) on the CPU");
  GPTCORE_ASSERT(u >= 0 && u < 1, "u is in [0, 1)");
  const at::Tensor plain = logits.to(at::kFloat).contiguous();
  const int64_t count = s.vocab_size > 0 ? std::min(s.vocab_size, plain.size(0)) : plain.size(0);
  const at::Tensor drawable = plain.narrow(0, 0, count);
  require_numbers(plain, drawable);
  const int32_t token = draw(s.repetition_penalty == 1 ? drawable : penalized(drawable, s.repetition_penalty, context), s, u);
  return {token, at::log_softmax(plain, 0, at::kDouble)[token].item<double>()};
}

}  // namespace gptcore
