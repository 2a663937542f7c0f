// Draft: a language model whose parameters the trainer owns, names and stores.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gptcore {

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

struct ModelContext {
  int64_t vocab_size = 0;  // what the tokenizer or dataset needs at least
};

// Calls are [all ranks], from one thread.
class Model {
 public:
  virtual ~Model();
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
};

}  // namespace gptcore
