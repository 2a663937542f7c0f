// The ranks that train together. A group of one is a real group whose collectives are the identity.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace gptcore {

// Every call is [all ranks] and in the same order on each. A call throws Error(peer_lost) when a peer is lost.
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;
  virtual int64_t rank() const = 0;
  virtual int64_t size() const = 0;
  // Reduce or copy in place, over all ranks.
  virtual void all_reduce_sum(at::Tensor& tensor) = 0;
  virtual void all_reduce_max(at::Tensor& tensor) = 0;
  virtual void broadcast(at::Tensor& tensor, int64_t root) = 0;
  virtual void barrier() = 0;
};

std::unique_ptr<ProcessGroup> single_process_group();

// [all ranks] Returns the largest of the ranks' numbers; the group's tensors live on `device`.
double largest(ProcessGroup& group, at::Device device, double number);

// Sets the gradients of all ranks to their mean, between backward and update. An implementation may start with the first
// finished gradients: prepare() is called before each backward pass, with whether it is the update's last.
class GradientReducer {
 public:
  virtual ~GradientReducer() = default;
  virtual void prepare(bool last_microbatch) = 0;
  virtual void finish() = 0;
};

// Returns a reducer of whole buffers, after backward. `buffers` stay the caller's and are reduced at every finish().
std::unique_ptr<GradientReducer> flat_reducer(ProcessGroup& group, std::vector<at::Tensor> buffers);

}  // namespace gptcore
