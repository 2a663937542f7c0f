// The dumps of make_reference.py, and the model they are of.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/checkpoint/safetensors.h"
#include "core/options/gpt_options.h"
#include "gptcore/model.h"
#include "tests/catch.h"

namespace gptcore {

struct Reference {
  explicit Reference(const std::string& variant)
      : file(std::string(std::getenv("GPTCORE_SOURCE")) + "/tests/parity/reference/" + variant + ".safetensors") {}
  at::Tensor get(const std::string& name) const {
    const TensorInfo* info = file.find(name);
    REQUIRE(info != nullptr);
    const at::Tensor t = at::empty(info->shape, info->dtype == Dtype::i64 ? at::kLong : at::kFloat);
    file.read_into(name, t.mutable_data_ptr(), t.nbytes());
    return t;
  }
  void fill(const std::vector<Parameter>& parameters) const {
    const at::NoGradGuard no_grad;
    for (const Parameter& p : parameters) p.tensor.copy_(get("weight." + p.name));
  }
  SafetensorsFile file;
};

// With bias, learned positions and exact GELU.
inline GptOptions tiny_options() {
  GptOptions o;
  o.n_layer = 2;
  o.n_head = 2;
  o.n_embd = 16;
  o.block_size = 8;
  o.vocab_size = 23;
  o.bias = true;
  return o;
}

// Largest difference relative to the tensor's largest value.
inline double difference(const at::Tensor& ours, const at::Tensor& wanted) {
  REQUIRE(ours.sizes() == wanted.sizes());
  return ((ours - wanted).abs().max() / wanted.abs().max()).item<double>();
}

}  // namespace gptcore
