// Draft: a change of the model or of the training while it runs, planned between two steps and committed by the core.
#pragma once

#include <cstdint>

#include "gptcore/value.h"

namespace gptcore {

struct TrainingView {  // read only
  int64_t step = 0;
  int64_t tokens = 0;
  double val_loss = 0;
};

class Operation {
 public:
  virtual ~Operation();
  // [all ranks] Must decide the same on every rank. Returns the edits as tables { edit = "...", ... }.
  virtual List plan(const TrainingView& view) = 0;
};

}  // namespace gptcore
