#include "core/distributed/process_group.h"

#include <ATen/ops/full.h>

#include <utility>
#include <vector>

namespace gptcore {
namespace {

class SingleProcessGroup final : public ProcessGroup {
 public:
  int64_t rank() const override { return 0; }
  int64_t size() const override { return 1; }
  void all_reduce_sum(at::Tensor&) override {}
  void all_reduce_max(at::Tensor&) override {}
  void broadcast(at::Tensor&, int64_t) override {}
  void barrier() override {}
};

class FlatReducer final : public GradientReducer {
 public:
  FlatReducer(ProcessGroup& group, std::vector<at::Tensor> buffers) : group_(group), buffers_(std::move(buffers)) {}
  void prepare(bool) override {}
  void finish() override {
    if (group_.size() == 1) return;
    for (at::Tensor& buffer : buffers_) {
      group_.all_reduce_sum(buffer);
      buffer.div_(group_.size());
    }
  }

 private:
  ProcessGroup& group_;
  std::vector<at::Tensor> buffers_;
};

}  // namespace

std::unique_ptr<ProcessGroup> single_process_group() {
  return std::make_unique<SingleProcessGroup>();
}

double largest(ProcessGroup& group, at::Device device, double number) {
  if (group.size() == 1) return number;
  at::Tensor shared = at::full({1}, number, at::TensorOptions(device).dtype(at::kDouble));
  group.all_reduce_max(shared);
  return shared.item<double>();
}

std::unique_ptr<GradientReducer> flat_reducer(ProcessGroup& group, std::vector<at::Tensor> buffers) {
  return std::make_unique<FlatReducer>(group, std::move(buffers));
}

}  // namespace gptcore
