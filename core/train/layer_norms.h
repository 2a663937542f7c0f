// Measures the gradients of each layer.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/optim/flat_parameters.h"

namespace gptcore {

// A layer's name is the part of its parameters' names before the last dot: "blocks.0.attn.qkv", "wte".
struct LayerNorms {
  std::vector<std::string> layers;  // the trainable ones, in the model's order
  at::Tensor norms;                 // (layers) 2-norms, float32 on the device; undefined without layers
};
// [no grad]
LayerNorms layer_grad_norms(const FlatParameters& parameters);

}  // namespace gptcore
