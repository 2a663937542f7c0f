// Holds the trainable parameters in flat buffers, those that decay and those that do not, and their gradients in buffers of the
// same layout: one kernel updates a group, one memset clears it, one reduction takes its norm. Frozen parameters stay where
// they are.
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
    bool frozen = false;  // true: group and offset mean nothing
  };
  struct Group {
    bool decays = false;
    int64_t updates = 0;       // of its parameters before the groups were formed
    at::Tensor values, grads;  // 1-d float32; elements between slots are zero and stay zero
  };

  // Copies the parameters that require gradients into `values`, in their order. The parameters themselves do not change until
  // adopt(). `updates` has the number of updates of each parameter where it is not 0; parameters with equal numbers share two
  // groups, and the two with the most updates come first.
  explicit FlatParameters(std::vector<Parameter> parameters, const std::map<std::string, int64_t>& updates = {});

  // Re-homes the parameters: the tensors of those that require gradients become views of `values`, their .grad views of
  // `grads`; the others lose their .grad. Allocates nothing.
  void adopt() noexcept;

  const std::vector<Parameter>& parameters() const { return parameters_; }
  const std::vector<Slot>& slots() const { return slots_; }  // in the order of parameters()
  // Returns the tensor that parameters()[index] has from adopt() on.
  const at::Tensor& home(size_t index) const { return homes_[index]; }
  std::vector<Group>& groups() { return groups_; }
  const std::vector<Group>& groups() const { return groups_; }
  // Returns the slot's part of any buffer laid out like its group's.
  static at::Tensor view(const at::Tensor& buffer, const Slot& slot);
  void zero_grad();
  // Returns the 2-norm of all gradients, 0-dim, on the device.
  at::Tensor grad_norm() const;
  int64_t count() const;  // number of trainable scalars, without padding

 private:
  std::vector<Parameter> parameters_;
  std::vector<Slot> slots_;
  std::vector<Group> groups_;
  std::vector<at::Tensor> homes_, grads_;  // by parameter; an undefined gradient means frozen
};

}  // namespace gptcore
