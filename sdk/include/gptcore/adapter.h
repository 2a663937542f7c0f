// Something added to the output of a linear or an embedding, with parameters of its own: LoRA and its relatives. One object a
// layer; the pipeline's [[adapter]] says which layers.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <vector>

#include "gptcore/host.h"
#include "gptcore/model.h"

namespace gptcore {

struct AdapterContext {
  std::string layer;  // path of the adapted layer
  LayerKind kind = LayerKind::linear;
  at::Tensor weight;  // the layer's own: (out, in) of a linear, (rows, C) of an embedding; its values change in training
  Host* host = nullptr;
};

// Calls are [all ranks], one at a time, except that forward() may run on several threads at once.
class Adapter {
 public:
  virtual ~Adapter();
  // Allocates parameters, float32, on the weight's device. Throws Error(model_shape) when the layer does not suit it.
  virtual void open(const AdapterContext& context) = 0;
  // Names are relative to the layer: "a" becomes "<layer>.<item>.a". The same tensors at every call.
  virtual std::vector<Parameter> parameters() = 0;
  // What to add to the output. Input: (B, T, in) of a linear, (B, T) int64 ids of an embedding. Differentiable.
  virtual at::Tensor forward(const at::Tensor& input) = 0;
  // [no grad] The same as a matrix of the weight's shape, to be added when the adapter is merged.
  virtual at::Tensor delta() = 0;
  // [no grad] Starts anew, adding as nearly `delta` (of the weight's shape) as it can; by SVD where the rank is bounded.
  // Throws Error(model_shape) when it cannot, which is what this does.
  virtual void take(const at::Tensor& delta);
  // Dropout is on while training.
  virtual void train(bool on) { static_cast<void>(on); }
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
