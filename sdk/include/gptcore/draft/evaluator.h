// Draft: measures the model without changing it.
#pragma once

#include "gptcore/draft/model.h"
#include "gptcore/tokenizer.h"
#include "gptcore/value.h"

namespace gptcore {

struct EvaluatorContext {
  Tokenizer* tokenizer = nullptr;
  int64_t rank = 0, ranks = 1;  // each item once over all ranks
  Host* host = nullptr;
};

class Evaluator {
 public:
  virtual ~Evaluator();
  virtual void open(const EvaluatorContext& context) = 0;
  // [all ranks, no grad] Sums and counts by name; the core adds them over the ranks.
  virtual Table evaluate(Model& model) = 0;
};

}  // namespace gptcore
