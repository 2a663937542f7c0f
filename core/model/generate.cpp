#include "core/model/generate.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <span>

#include "core/base/assert.h"
#include "gptcore/draft/kv_cache.h"
#include "gptcore/random.h"

namespace gptcore {
namespace {

// Computes this many rows at once, also for fewer sequences: products of other shapes may round otherwise, and texts would
// depend on that.
constexpr int64_t kRows = 4;

class Sequence {
 public:
  Sequence(const Prompt& prompt, int64_t block_size)
      : sample_(prompt.sample), block_(block_size), ids_(prompt.ids.begin(), prompt.ids.end()) {
    first_ = ids_.size() - std::min(ids_.size(), static_cast<size_t>(block_));
  }
  std::span<const int64_t> context() const { return std::span(ids_).subspan(first_); }
  // Returns true when the context began anew.
  bool add(int32_t token) {
    ids_.push_back(token);
    if (static_cast<int64_t>(context().size()) <= block_) return false;
    first_ = ids_.size() - static_cast<size_t>(std::max<int64_t>(1, block_ / 2));
    return true;
  }
  int64_t sample() const { return sample_; }

  size_t index = 0;
  bool active = true;

 private:
  int64_t sample_, block_;
  std::vector<int64_t> ids_;
  size_t first_ = 0;
};

at::Tensor tensor_of(std::span<const int64_t> ids, at::Device device) {
  return at::tensor(at::ArrayRef<int64_t>(ids.data(), ids.size()), at::kLong).to(device);
}

class Evaluation {
 public:
  explicit Evaluation(Model& model) : model_(model) { model_.train(false); }
  ~Evaluation() { model_.train(true); }
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

 private:
  at::NoGradGuard no_grad_;
  Model& model_;
};

// Computes the logits of the token after each sequence.
class Logits {
 public:
  Logits(Model& model, at::Device device, bool cached)
      : model_(model), device_(device), cache_(cached ? extension_of<KvCache>(model) : nullptr) {
    if (cache_) throw_if_failed(cache_->begin(kRows));
  }
  ~Logits() {
    if (cache_) cache_->begin(0);
  }
  Logits(const Logits&) = delete;
  Logits& operator=(const Logits&) = delete;

  at::Tensor anew(size_t row, std::span<const int64_t> context) {
    const at::Tensor ids = tensor_of(context, device_);
    if (!cache_) return model_.logits(ids.unsqueeze(0))[0][ids.size(0) - 1].to(at::kCPU);
    at::Tensor logits;
    throw_if_failed(cache_->prefill(static_cast<int64_t>(row), ids, logits));
    return logits.to(at::kCPU);
  }
  bool steps() const { return cache_ != nullptr; }
  at::Tensor step(const std::vector<int64_t>& newest) {
    at::Tensor logits;
    throw_if_failed(cache_->step(tensor_of(newest, device_), logits));
    return logits.to(at::kCPU);
  }

 private:
  Model& model_;
  at::Device device_;
  KvCache* cache_;
};

void generate_rows(Logits& logits, std::vector<Sequence>& rows, int64_t count, const Sampling& sampling,
                   const OnToken& on_token) {
  const uint64_t key = stream_key(sampling.seed, "sample");
  std::vector<at::Tensor> next(rows.size());
  for (size_t r = 0; r < rows.size(); ++r) next[r] = logits.anew(r, rows[r].context());
  for (int64_t i = 0; i < count; ++i) {
    std::vector<int64_t> newest(static_cast<size_t>(kRows), -1);
    bool any = false;
    for (size_t r = 0; r < rows.size(); ++r) {
      Sequence& s = rows[r];
      if (!s.active) continue;
      const uint64_t place = (static_cast<uint64_t>(s.sample()) << 32) | static_cast<uint64_t>(i);
      const NextToken chosen = choose(next[r], sampling, s.context(), random_uniform(key, place));
      s.active = on_token(s.index, chosen) && i + 1 < count;
      if (!s.active) continue;
      const bool anew = s.add(chosen.token);
      if (anew || !logits.steps()) {
        next[r] = logits.anew(r, s.context());
      } else {
        newest[r] = chosen.token;
        any = true;
      }
    }
    if (!any) {
      if (std::none_of(rows.begin(), rows.end(), [](const Sequence& s) { return s.active; })) return;
      continue;
    }
    const at::Tensor all = logits.step(newest);
    for (size_t r = 0; r < rows.size(); ++r)
      if (newest[r] >= 0) next[r] = all[static_cast<int64_t>(r)];
  }
}

}  // namespace

void generate(Model& model, at::Device device, const std::vector<Prompt>& prompts, int64_t count, const Sampling& sampling,
              const OnToken& on_token, bool cached) {
  GPTCORE_ASSERT(std::none_of(prompts.begin(), prompts.end(), [](const Prompt& p) { return p.ids.empty(); }),
                 "every prompt has an id");
  if (count < 1) return;
  const Evaluation evaluation(model);
  for (size_t first = 0; first < prompts.size(); first += kRows) {
    Logits logits(model, device, cached);
    std::vector<Sequence> rows;
    for (size_t i = first; i < std::min(prompts.size(), first + kRows); ++i) {
      rows.emplace_back(prompts[i], model.block_size());
      rows.back().index = i;
    }
    generate_rows(logits, rows, count, sampling, on_token);
  }
}

}  // namespace gptcore
