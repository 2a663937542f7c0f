// A language model whose parameters the trainer owns, names and stores.
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

// How a parameter starts: normal with `std` around 0, or the constant `value`.
struct Init {
  double std = 0;
  double value = 0;
};

// `tensor` shares storage with the model's own member, so that whoever re-homes it (flat buffers) uses set_data.
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
  bool takes_adapter = false;  // set_adapter() works on it
};

struct ModelContext {
  int64_t vocab_size = 0;  // what the tokenizer or dataset needs at least
};

// Calls are [all ranks], one at a time. block_size() is known before open(); the rest comes after open(), then place().
class Model {
 public:
  virtual ~Model();
  // Allocates the parameters, float32; their values are set by the caller, from Init or a checkpoint.
  virtual void open(const ModelContext& context) = 0;
  // Moves everything to the device; matrix products are computed in `compute` from then on, weights stay float32.
  virtual void place(at::Device device, at::ScalarType compute) = 0;
  virtual std::vector<Parameter> parameters() = 0;
  virtual int64_t block_size() const = 0;
  virtual int64_t vocab_size() const = 0;
  // ids (B, T) int64, T <= block_size -> (B, T, V).
  virtual at::Tensor logits(const at::Tensor& ids) = 0;
  // Mean cross-entropy in nats over the targets that are not -1; 0-dim float32, differentiable in training.
  virtual at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) = 0;
  // A second model on the same parameter values with gradients of its own, to be trained on another thread; null when two
  // threads would disturb each other (dropout draws from one generator).
  virtual std::unique_ptr<Model> share() { return nullptr; }
  // Dropout is on while training.
  virtual void train(bool on) = 0;
  // Floating point operations a token costs in training, forward and backward (6N + 12 L H Q T).
  virtual double flops_per_token() const = 0;
  virtual std::vector<Layer> layers() { return {}; }
  // From now on the layer's output is its own plus adapter->forward(input); null takes the adapter off. The adapter's
  // parameters are not the model's. Throws Error(model_shape) when the layer takes none.
  virtual void set_adapter(const std::string& path, std::shared_ptr<Adapter> adapter);
  // An interface that later versions add, by its id ("gptcore.kv_cache/1"); null when there is none. Owned by the object.
  virtual void* extension(std::string_view id);
};

// An adapter on a layer, as the pipeline or an operation put it there.
struct AdapterInfo {
  std::string layer, item;  // "blocks.3.attn.qkv", "lora"
  Table values;             // of its parameters
};

struct ParameterInfo {
  std::string name;
  std::vector<int64_t> shape;
  bool trainable = true;
};

// A model that is looked at and not changed. The program implements it. Dropout is off and no graph is made; ids may lie on
// the CPU. Valid during the call it was given to.
class ModelView {
 public:
  virtual ~ModelView();
  virtual int64_t block_size() const = 0;
  virtual int64_t vocab_size() const = 0;
  virtual std::vector<Layer> layers() const = 0;
  virtual std::vector<ParameterInfo> parameters() const = 0;
  // The values of a parameter, not to be written to. Throws Error(unknown_name).
  virtual at::Tensor value(std::string_view parameter) const = 0;
  // As Model::logits and Model::loss.
  virtual at::Tensor logits(const at::Tensor& ids) const = 0;
  virtual at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) const = 0;
  virtual std::vector<AdapterInfo> adapters() const = 0;
};

}  // namespace gptcore
