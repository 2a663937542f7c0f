// A model with random values in every parameter, biases and norms too.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include <memory>

#include "core/interchange/gpt_tensors.h"
#include "core/model/gpt.h"
#include "core/model/network.h"

namespace gptcore {

inline GptOptions small_options() {
  GptOptions o;
  o.n_layer = 2;
  o.n_head = 2;
  o.n_embd = 12;
  o.block_size = 10;
  o.vocab_size = 50;
  o.gelu = "tanh";
  return o;
}

inline std::unique_ptr<Network> opened(const GptOptions& options) {
  auto network = std::make_unique<Network>(std::make_unique<Gpt>(options));
  network->open({});
  return network;
}

inline std::unique_ptr<Network> random_model(const GptOptions& options, uint64_t seed = 1) {
  auto network = opened(options);
  std::vector<Parameter> parameters = network->parameters();
  for (Parameter& p : parameters) p.init.std = 0.3;
  init_parameters(parameters, seed);
  return network;
}

inline GptWeights weights_of(const GptOptions& options, Network& network) {
  return {options, network.parameters()};
}

// Whether all values but padded rows are the same bits.
inline bool same_weights(const GptWeights& a, const GptWeights& b) {
  for (const GptTensor& tensor : a.list())
    if (!a.get(tensor).equal(b.get(tensor))) return false;
  return true;
}

}  // namespace gptcore
