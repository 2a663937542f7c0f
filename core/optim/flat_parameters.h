// The trainable parameters in flat buffers, those that decay and those that do not, with gradients in more of the same
// layout: one kernel updates a group, one memset clears it, one reduction takes its norm. Frozen ones stay where they are.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gptcore/model.h"

namespace gptcore {

class FlatParameters {
 public:
  struct Slot {
    std::string name;
    size_t group = 0;
    int64_t offset = 0;  // in elements of the group's buffers
    std::vector<int64_t> shape;
    bool frozen = false;  // then group and offset mean nothing
  };
  struct Group {
    bool decays = false;
    int64_t born = 0;          // the update that its AdamW moments count from
    at::Tensor values, grads;  // 1-d float32; elements between slots are zero and stay zero
  };

  // Re-homes the parameters that require gradients: their tensors become views of `values`, their .grad views of `grads`. The
  // others lose their .grad. Order is kept. `born` names the parameters whose moments started later than update 0; each such
  // update has groups of its own, after the two of update 0.
  explicit FlatParameters(std::vector<Parameter> parameters, const std::map<std::string, int64_t>& born = {});

  const std::vector<Parameter>& parameters() const { return parameters_; }
  const std::vector<Slot>& slots() const { return slots_; }  // in the order of parameters()
  std::vector<Group>& groups() { return groups_; }
  const std::vector<Group>& groups() const { return groups_; }
  // The slot's part of any buffer laid out like its group's.
  static at::Tensor view(const at::Tensor& buffer, const Slot& slot);
  void zero_grad();
  // 2-norm of all gradients, 0-dim, on the device.
  at::Tensor grad_norm() const;
  int64_t count() const;  // number of trainable scalars, without padding

 private:
  std::vector<Parameter> parameters_;
  std::vector<Slot> slots_;
  std::vector<Group> groups_;
};

}  // namespace gptcore
