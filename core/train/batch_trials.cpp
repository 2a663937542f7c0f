#include "core/train/batch_trials.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "core/device/device_memory.h"
#include "gptcore/error.h"

namespace gptcore {
BatchTrial LoopTrials::run(int64_t batch_size, int tries) {
  BatchTrial trial;
  trial.seconds = std::numeric_limits<double>::infinity();
  release_memory(step_.device);
  reset_memory_peak(step_.device);
  try {
    GradientWorkers workers(step_.model, *step_.parameters, step_.device, batch_size, step_.workers->threads());
    const MicroBatch batch(feed_.peek(batch_size));
    const at::Tensor weight = at::full({}, 1.0, at::TensorOptions(step_.device).dtype(at::kFloat));
    for (int i = 0; i < std::max(tries, 1); ++i) {
      const auto start = std::chrono::steady_clock::now();
      workers.begin();
      const at::Tensor loss = workers.run(batch, weight);
      workers.finish();
      static_cast<void>(loss.item<float>());  // waits for the device
      trial.seconds = std::min(trial.seconds, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    trial.fits = true;
  } catch (const c10::OutOfMemoryError&) {
  } catch (const Error& e) {
    if (e.code() != Code::out_of_memory) throw;
  }
  step_.parameters->zero_grad();
  trial.bytes = static_cast<int64_t>(largest(group_, step_.device, static_cast<double>(device_memory(step_.device).peak)));
  release_memory(step_.device);
  trial.fits = largest(group_, step_.device, trial.fits ? 0 : 1) == 0;
  trial.seconds = largest(group_, step_.device, trial.seconds);
  return trial;
}

int64_t LoopTrials::memory_limit() const {
  const DeviceMemory memory = device_memory(step_.device);
  return static_cast<int64_t>(-largest(group_, step_.device, -static_cast<double>(memory.in_use + memory.available)));
}

}  // namespace gptcore
