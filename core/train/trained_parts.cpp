#include "core/train/trained_parts.h"

#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/device/device_memory.h"

namespace gptcore {
namespace {

std::unique_ptr<GradientReducer> reducer_of(ProcessGroup& group, const FlatParameters& parameters) {
  std::vector<at::Tensor> buffers;
  for (const FlatParameters::Group& g : parameters.groups()) buffers.push_back(g.grads);
  return flat_reducer(group, std::move(buffers));
}

}  // namespace

struct TrainedParts::Parts {
  Parts(Network& network, const TrainOptions& o, const NamedMoments& moments, at::Device device, int64_t threads,
        ProcessGroup& group)
      : parameters(network.parameters(), updates_of(moments)),
        optimizer(parameters, {o.beta1, o.beta2, o.eps, o.weight_decay}),
        workers(network, parameters, device, o.batch_size, threads),
        reducer(reducer_of(group, parameters)) {
    optimizer.take_over(moments);
  }

  FlatParameters parameters;
  AdamW optimizer;
  GradientWorkers workers;
  std::unique_ptr<GradientReducer> reducer;
};

TrainedParts::TrainedParts(Network& network, TrainStep& step, int64_t threads, ProcessGroup& group)
    : network_(network), step_(step), threads_(threads), group_(group) {}
TrainedParts::~TrainedParts() = default;

void TrainedParts::build(const TrainOptions& options, const NamedMoments* moments) {
  std::unique_ptr<Parts> made;
  with_memory_errors([&] {
    const NamedMoments kept = moments || !parts_ ? NamedMoments() : parts_->optimizer.moments();
    made = std::make_unique<Parts>(network_, options, moments ? *moments : kept, step_.device, threads_, group_);
  });
  // Nothing from here on can throw.
  made->parameters.adopt();
  step_.workers = &made->workers;
  step_.parameters = &made->parameters;
  step_.optimizer = &made->optimizer;
  step_.reducer = made->reducer.get();
  parts_ = std::move(made);
}

AdamW& TrainedParts::optimizer() {
  GPTCORE_ASSERT(parts_, "build() has returned");
  return parts_->optimizer;
}

}  // namespace gptcore
