#include "core/train/layer_norms.h"

#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace gptcore {

LayerNorms layer_grad_norms(const FlatParameters& parameters) {
  LayerNorms out;
  std::vector<at::Tensor> norms;  // of each parameter
  std::vector<int64_t> layer_of;
  for (const FlatParameters::Slot& slot : parameters.slots()) {
    if (slot.frozen) continue;
    const std::string layer = slot.name.substr(0, slot.name.rfind('.'));
    const auto found = std::find(out.layers.begin(), out.layers.end(), layer);
    layer_of.push_back(found - out.layers.begin());
    if (found == out.layers.end()) out.layers.push_back(layer);
    norms.push_back(FlatParameters::view(parameters.groups()[slot.group].grads, slot).norm());
  }
  if (norms.empty()) return out;
  const at::Tensor squares = at::stack(norms).square();
  const at::Tensor index = at::tensor(layer_of).to(squares.device());
  out.norms = at::zeros({static_cast<int64_t>(out.layers.size())}, squares.options()).index_add_(0, index, squares).sqrt();
  return out;
}

}  // namespace gptcore
