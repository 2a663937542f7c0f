// The parameters of a "gpt" model as other tools' files have them: float32 on the CPU, every bias there, and no padded rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/model/gpt_options.h"
#include "gptcore/model.h"

namespace gptcore {

struct GptTensor {
  std::string name;  // the model's: "blocks.0.attn.qkv.weight"
  std::vector<int64_t> shape;
};

// wte, wpe, the blocks, ln_f, lm_head where it is not tied, each weight before its bias. Shapes are (out, in); embedding and
// head have vocab_size rows.
std::vector<GptTensor> gpt_tensors(const GptOptions& options);

// Whether it is the weight of a block's linear, which Hugging Face stores as (in, out).
bool is_linear_weight(const std::string& name);

// Their values in a model, which outlives this.
class GptWeights {
 public:
  // `parameters` may hold adapters' too; they are left alone. `options` has its vocab_size.
  GptWeights(const GptOptions& options, const std::vector<Parameter>& parameters);
  const GptOptions& options() const { return options_; }
  const std::vector<GptTensor>& list() const { return list_; }
  // A copy, or the parameter's own memory. Zeros for a bias that the model does not have.
  at::Tensor get(const GptTensor& tensor) const;
  // Rows of padding keep their values; rows that the model does not have are left out. Throws Error(internal) when a bias that
  // the model does not have is not zero.
  void set(const GptTensor& tensor, const at::Tensor& value) const;

 private:
  GptOptions options_;
  std::vector<GptTensor> list_;
  std::map<std::string, at::Tensor> parameters_;
};

}  // namespace gptcore
