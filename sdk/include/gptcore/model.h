// A language model. The trainer moves its parameters into flat buffers, trains them and stores them by name.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gptcore/value.h"

namespace gptcore {

class Adapter;

// The starting value of a parameter: normal with standard deviation `std` around 0, or the constant `value` when std is 0.
struct Init {
  double std = 0;
  double value = 0;
};

// `tensor` is the model's own member: code that moves it into a flat buffer must use set_data().
struct Parameter {
  std::string name;  // "blocks.3.attn.qkv.weight"
  at::Tensor tensor;
  Init init;
  bool decays() const { return tensor.dim() >= 2; }
};

enum class LayerKind : int { block, linear, embedding, norm };
// "block", ...
const char* name_of(LayerKind kind);

// A part of the model that edits and adapters can name. Its parameters are "<path>.weight", "<path>.bias".
struct Layer {
  std::string path;  // "blocks.3.attn.qkv"
  LayerKind kind = LayerKind::linear;
  bool takes_adapter = false;  // whether set_adapter() accepts this layer
};

struct ModelContext {
  int64_t vocab_size = 0;  // the least number of ids that the tokenizer or dataset needs
};

// The program makes all calls on [all ranks] and one at a time. block_size() may be called before open(); every other method
// follows open(), then place().
class Model {
 public:
  virtual ~Model();
  // Allocates float32 parameters. The caller sets their values, from Init or a checkpoint.
  virtual void open(const ModelContext& context) = 0;
  // Moves everything to `device`. Matrix products are computed in `compute` from then on; weights stay float32.
  virtual void place(at::Device device, at::ScalarType compute) = 0;
  virtual std::vector<Parameter> parameters() = 0;
  virtual int64_t block_size() const = 0;
  virtual int64_t vocab_size() const = 0;
  // Returns (B, T, V) for ids (B, T) int64, T <= block_size.
  virtual at::Tensor logits(const at::Tensor& ids) = 0;
  // Returns the mean cross-entropy in nats over the targets that are not -1: 0-dim float32, differentiable in training.
  virtual at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) = 0;
  // Returns a second model that has the same parameter values but its own gradients, for another thread, or null when two
  // threads would disturb each other (as dropout does, which draws from one generator).
  virtual std::unique_ptr<Model> share() { return nullptr; }
  // Switches dropout on for training and off otherwise.
  virtual void train(bool on) = 0;
  // Returns the floating point operations per token of a forward and backward pass (6N + 12 L H Q T; PaLM, appendix B).
  virtual double flops_per_token() const = 0;
  virtual std::vector<Layer> layers() { return {}; }
  // Adds adapter->forward(input) to the layer's output from now on; null removes the adapter. parameters() does not include
  // those of adapters. Throws Error(model_shape) when the layer takes no adapter.
  virtual void set_adapter(const std::string& path, std::shared_ptr<Adapter> adapter);
  // Returns a further interface of this object by its id (extension_as() in extension.h), or null. The object owns it.
  virtual void* extension(std::string_view id);
};

// An adapter that the pipeline or an operation has put on a layer.
struct AdapterInfo {
  std::string layer, item;  // "blocks.3.attn.qkv", "lora"
  Table values;             // of its parameters
};

struct ParameterInfo {
  std::string name;
  std::vector<int64_t> shape;
  bool trainable = true;
};

// Read-only access to the model. The program implements it. Dropout is off, no autograd graph is recorded, and ids may lie on
// the CPU. A view is valid during the call that it was passed to.
class ModelView {
 public:
  virtual ~ModelView();
  virtual int64_t block_size() const = 0;
  virtual int64_t vocab_size() const = 0;
  virtual std::vector<Layer> layers() const = 0;
  virtual std::vector<ParameterInfo> parameters() const = 0;
  // Returns the values of a parameter, which must not be written to. Throws Error(unknown_name).
  virtual at::Tensor value(std::string_view parameter) const = 0;
  // See Model::logits and Model::loss.
  virtual at::Tensor logits(const at::Tensor& ids) const = 0;
  virtual at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) const = 0;
  virtual std::vector<AdapterInfo> adapters() const = 0;
};

}  // namespace gptcore
