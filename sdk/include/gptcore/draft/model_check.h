// Draft: an evaluator that can tell without measuring whether a model is one for it. What
// Evaluator::extension("gptcore.model_check/1") returns.
#pragma once

#include "gptcore/model.h"
#include "gptcore/port.h"

namespace gptcore {

class ModelCheck {
 public:
  // Called after open(), before anything is computed; the model's values may be anything. With `blocks_may_change` operations
  // may give it other blocks until it is measured. A failure keeps the run from starting.
  virtual Status check_model(const ModelView& model, bool blocks_may_change) noexcept = 0;

 protected:
  ~ModelCheck() = default;
};

}  // namespace gptcore
