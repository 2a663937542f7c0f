#include "core/train/step_parts.h"

#include <vector>

namespace gptcore {
namespace {

std::unique_ptr<GradientReducer> reducer_of(ProcessGroup& group, const FlatParameters& parameters) {
  std::vector<at::Tensor> buffers;
  for (const FlatParameters::Group& g : parameters.groups()) buffers.push_back(g.grads);
  return flat_reducer(group, std::move(buffers));
}

}  // namespace

StepParts::StepParts(Network& network, const TrainOptions& o, const NamedMoments& moments, at::Device device, int64_t threads,
                     ProcessGroup& group)
    : parameters_(network.parameters(), updates_of(moments)),
      optimizer_(parameters_, {o.beta1, o.beta2, o.eps, o.weight_decay}),
      workers_(network, parameters_, device, o.batch_size, threads),
      reducer_(reducer_of(group, parameters_)) {
  optimizer_.take_over(moments);
}

void StepParts::adopt(TrainStep& step) noexcept {
  parameters_.adopt();
  step.workers = &workers_;
  step.parameters = &parameters_;
  step.optimizer = &optimizer_;
  step.reducer = reducer_.get();
}

}  // namespace gptcore
