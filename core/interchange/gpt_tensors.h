// The parameters of a "gpt" model as other tools' files hold them: float32 on the CPU, with every bias and without padded rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/options/gpt_options.h"
#include "gptcore/model.h"

namespace gptcore {

struct GptTensor {
  std::string name;  // the model's: "blocks.0.attn.qkv.weight"
  std::vector<int64_t> shape;
};

// Returns wte, wpe, the blocks, ln_f, and lm_head when it is not tied, each weight before its bias. Shapes are (out, in);
// embedding and head have vocab_size rows.
std::vector<GptTensor> gpt_tensors(const GptOptions& options);

// Returns whether `name` is the weight of a block's linear, which Hugging Face stores as (in, out).
bool is_linear_weight(const std::string& name);

// The values of gpt_tensors() in a model, which must outlive this.
class GptWeights {
 public:
  // `parameters` may include adapters', which are left alone. `options` must have its vocab_size.
  GptWeights(const GptOptions& options, const std::vector<Parameter>& parameters);
  const GptOptions& options() const { return options_; }
  const std::vector<GptTensor>& list() const { return list_; }
  // Returns a copy or the parameter's own memory; zeros for a bias that the model does not have.
  at::Tensor get(const GptTensor& tensor) const;
  // Sets the parameter. Rows of padding keep their values; rows that the model does not have are left out. Throws
  // Error(internal) when a bias that the model does not have is not zero.
  void set(const GptTensor& tensor, const at::Tensor& value) const;

 private:
  GptOptions options_;
  std::vector<GptTensor> list_;
  std::map<std::string, at::Tensor> parameters_;
};

}  // namespace gptcore
