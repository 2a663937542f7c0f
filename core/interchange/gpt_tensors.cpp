#include "core/interchange/gpt_tensors.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "core/base/assert.h"
#include "gptcore/error.h"

namespace gptcore {

std::vector<GptTensor> gpt_tensors(const GptOptions& o) {
  const int64_t C = o.n_embd, H = o.n_hidden > 0 ? o.n_hidden : 4 * C;
  std::vector<GptTensor> all = {{"wte.weight", {o.vocab_size, C}}, {"wpe.weight", {o.block_size, C}}};
  const auto layer = [&](const std::string& path, std::vector<int64_t> weight) {
    const int64_t out = weight.front();
    all.push_back({path + ".weight", std::move(weight)});
    all.push_back({path + ".bias", {out}});
  };
  for (int64_t i = 0; i < o.n_layer; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    layer(block + ".ln_1", {C});
    layer(block + ".attn.qkv", {3 * C, C});
    layer(block + ".attn.proj", {C, C});
    layer(block + ".ln_2", {C});
    layer(block + ".mlp.fc", {H, C});
    layer(block + ".mlp.proj", {C, H});
  }
  layer("ln_f", {C});
  if (!o.tie_word_embeddings) all.push_back({"lm_head.weight", {o.vocab_size, C}});
  return all;
}

bool is_linear_weight(const std::string& name) {
  return name.starts_with("blocks.") && name.ends_with(".weight") && name.find(".ln_") == std::string::npos;
}

GptWeights::GptWeights(const GptOptions& options, const std::vector<Parameter>& parameters)
    : options_(options), list_(gpt_tensors(options)) {
  GPTCORE_ASSERT(options.vocab_size > 0, "the options have their vocab_size");
  for (const Parameter& p : parameters) parameters_.emplace(p.name, p.tensor.detach());
}

at::Tensor GptWeights::get(const GptTensor& tensor) const {
  const auto found = parameters_.find(tensor.name);
  if (found == parameters_.end()) return at::zeros(tensor.shape, at::kFloat);
  return found->second.narrow(0, 0, tensor.shape.front()).to(at::kCPU);
}

void GptWeights::set(const GptTensor& tensor, const at::Tensor& value) const {
  const at::NoGradGuard no_grad;
  if (const auto found = parameters_.find(tensor.name); found != parameters_.end()) {
    const int64_t rows = std::min(found->second.size(0), tensor.shape.front());
    found->second.narrow(0, 0, rows).copy_(value.narrow(0, 0, rows));
  } else if (value.count_nonzero().item<int64_t>() != 0) {
    throw Error(Code::internal, "'" + tensor.name + "' is not zero, and the model has no place for it");
  }
}

}  // namespace gptcore
