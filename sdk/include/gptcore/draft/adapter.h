// Draft: something added to a linear's or an embedding's output (LoRA). The slot is in the model; planned use is mid-run.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "gptcore/draft/model.h"

namespace gptcore {

class Adapter {
 public:
  virtual ~Adapter();
  // `weight` is the adapted parameter, (out, in) of a linear or (rows, C) of an embedding.
  virtual void open(const at::Tensor& weight) = 0;
  virtual std::vector<Parameter> parameters() = 0;
  // What to add to the output; input is (B, T, in) for a linear, (B, T) ids for an embedding.
  virtual at::Tensor forward(const at::Tensor& input) = 0;
  // The same change as a matrix of the weight's shape.
  virtual at::Tensor delta() = 0;
};

}  // namespace gptcore
