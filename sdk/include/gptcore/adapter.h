// An adapter adds a trained term to the output of a linear or an embedding (LoRA and its relatives). The pipeline's [[adapter]]
// table names the layers; each layer gets one object.
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
  at::Tensor weight;  // the layer's weight: (out, in) of a linear, (rows, C) of an embedding; training changes its values
  Host* host = nullptr;
};

// The program makes all calls on [all ranks] and one at a time, except that forward() may run on several threads at once.
class Adapter {
 public:
  virtual ~Adapter();
  // Allocates float32 parameters on the weight's device. Throws Error(model_shape) when the adapter cannot sit on this layer.
  virtual void open(const AdapterContext& context) = 0;
  // Returns the same tensors at every call. Names are relative to the layer: "a" becomes "<layer>.<item>.a".
  virtual std::vector<Parameter> parameters() = 0;
  // Returns the term to add to the layer's output; it is differentiable. `input` is (B, T, in) for a linear and (B, T) int64
  // ids for an embedding.
  virtual at::Tensor forward(const at::Tensor& input) = 0;
  // [no grad] Returns the adapter's effect as a matrix of the weight's shape, which merging adds to the weight.
  virtual at::Tensor delta() = 0;
  // [no grad] Resets the adapter so that delta() comes as close to `delta` (of the weight's shape) as it can, by SVD where the
  // rank is bounded. The default throws Error(model_shape): the adapter cannot do this.
  virtual void take(const at::Tensor& delta);
  // Switches dropout on for training and off otherwise.
  virtual void train(bool on) { static_cast<void>(on); }
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
