#include "core/train/trainer.h"

#include <string>

#include "core/train/loop.h"
#include "gptcore/error.h"

namespace gptcore {

int64_t accumulation_steps(const TrainOptions& options, int64_t block_size, int64_t ranks) {
  if (options.tokens_per_step == 0) return options.gradient_accumulation_steps;
  const int64_t one = options.batch_size * block_size * ranks;
  if (options.tokens_per_step % one != 0)
    throw Error(Code::conflict,
                "tokens_per_step " + std::to_string(options.tokens_per_step) +
                    " is not a multiple of batch_size x block_size x ranks = " + std::to_string(one),
                "choose a batch_size that divides it");
  return options.tokens_per_step / one;
}

TrainEnd train(const TrainOptions& options, TrainContext& context, TrainState& state) {
  return Loop(options, context, state).run();
}

}  // namespace gptcore
