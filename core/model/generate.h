// Generates text from a model, one token at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "core/model/sampling.h"
#include "gptcore/model.h"

namespace gptcore {

struct Prompt {
  std::vector<int32_t> ids;  // not empty
  int64_t sample = 0;        // number of the continuation of this prompt
};

// Returns whether sequence `index` continues after this token.
using OnToken = std::function<bool(size_t index, const NextToken& token)>;

// Continues each prompt by up to `count` tokens. Token i of a prompt is a function of its ids, (seed, sample, i) and the model
// alone, whatever the other prompts are. The context is the last block_size tokens of the prompt and what follows; when it is
// full, only its last half is kept. With `cached`, a model that can (KvCache) caches keys and values, which changes nothing but
// the time. Several sequences are computed at once, and their tokens come in turns.
void generate(Model& model, at::Device device, const std::vector<Prompt>& prompts, int64_t count, const Sampling& sampling,
              const OnToken& on_token, bool cached = true);

}  // namespace gptcore
