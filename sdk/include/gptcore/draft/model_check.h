// Draft: an extension of Evaluator that tells, before anything is measured, whether the evaluator can measure a model.
#pragma once

#include <string_view>

#include "gptcore/extension.h"
#include "gptcore/model.h"
#include "gptcore/port.h"

namespace gptcore {

class ModelCheck {
 public:
  static constexpr std::string_view kId = "gptcore.model_check/1";
  // Called after open() and before anything is computed; the values of parameters are undefined. `blocks_may_change` says that
  // operations may change the number of blocks before the model is measured. A failure keeps the run from starting.
  virtual Status check_model(const ModelView& model, bool blocks_may_change) noexcept = 0;

 protected:
  ~ModelCheck() = default;
};

}  // namespace gptcore
