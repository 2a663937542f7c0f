// Repeats the forward pass of a GPT on the values that a view shows, for attention probabilities, which the view does not show.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gptcore/model.h"

namespace model_analysis {

// The details of a model that its shapes do not tell.
struct GptDetails {
  int64_t heads = 1;
  bool tanh = false;  // form of the GELU
};

class GptForward {
 public:
  // Returns nothing when the parameters are not named and shaped as the built-in GPT's, or the model has adapters.
  static std::optional<GptForward> of(const gptcore::ModelView& view);

  struct Result {
    at::Tensor logits;            // (T, V)
    std::vector<double> entropy;  // nats, of each block: mean over heads and positions
  };
  // [no grad] ids (T) int64.
  Result run(const at::Tensor& ids, const GptDetails& details) const;
  int64_t blocks() const { return blocks_; }
  int64_t width() const { return width_; }
  bool rotary() const { return !optional_value("wpe.weight").defined(); }

 private:
  GptForward() = default;
  at::Tensor norm(const at::Tensor& x, const std::string& layer) const;
  at::Tensor linear(const at::Tensor& x, const std::string& layer) const;
  at::Tensor optional_value(const std::string& name) const;

  std::map<std::string, at::Tensor> values_;
  int64_t blocks_ = 0, width_ = 0, vocab_size_ = 0;
};

// Returns the details with which `forward` computes the view's logits for these ids; `heads` is 0 when unknown. Returns nothing
// when no number of heads fits, or several do.
std::optional<GptDetails> details_of(const GptForward& forward, const gptcore::ModelView& view, const at::Tensor& ids,
                                     int64_t heads);

}  // namespace model_analysis
