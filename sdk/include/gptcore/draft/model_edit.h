// Draft: what an operation plans. More edits are appended until the list is complete.
#pragma once

#include <string_view>

#include "gptcore/model.h"
#include "gptcore/value.h"

namespace gptcore {

// Nothing happens before plan() returns; then the program checks all edits and commits them together. Each call throws
// Error when it cannot be right. Valid during plan().
class ModelEdit {
 public:
  virtual ~ModelEdit();
  virtual const ModelView& model() const = 0;
  // A setting of the train stage by its key: learning_rate, min_lr, warmup_iters, lr_decay_iters, batch_size,
  // gradient_accumulation_steps, grad_clip, weight_decay, eval_interval, eval_iters, max_iters. It must fit that key.
  virtual void set(std::string_view key, Value value) = 0;
  // The parameters of every layer whose path matches ("blocks.0", "blocks.*.attn.*", "wte"); `*` stands for any text. A
  // frozen parameter keeps its value and its optimizer state. Throws Error(unknown_name) when no layer matches.
  virtual void freeze(std::string_view layers) = 0;
  virtual void unfreeze(std::string_view layers) = 0;
};

}  // namespace gptcore
