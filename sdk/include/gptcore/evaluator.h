// Measures the model without changing it: a stage's [[stage.evaluator]] tables name it, in train stages (at each evaluation)
// and in evaluate stages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gptcore/host.h"
#include "gptcore/model.h"
#include "gptcore/tokenizer.h"
#include "gptcore/value.h"

namespace gptcore {

// References stay valid for the evaluator's life.
struct EvaluatorContext {
  Tokenizer* tokenizer = nullptr;  // null when the pipeline has none
  uint64_t seed = 0;               // the only source of randomness
  int64_t rank = 0, ranks = 1;
  Host* host = nullptr;
};

// Where an evaluator puts what it finds. The program implements it.
class Results {
 public:
  virtual ~Results();
  // Adds to a metric, which is sum / count over all calls and all ranks. Every rank must add to the same metrics.
  virtual void add(std::string_view metric, double sum, double count = 1) = 0;
  // One item's record, for loggers (event item_evaluated).
  virtual void item(const Table& record) = 0;
};

// What it throws is reported; after three failures in a row it is switched off for the rest of the run.
class Evaluator {
 public:
  virtual ~Evaluator();
  // Reads its items. Throws Error(data_*), naming file and line.
  virtual void open(const EvaluatorContext& context) { static_cast<void>(context); }
  // [all ranks, no grad] Rank r takes items r, r + ranks, ...: each item once over all ranks.
  virtual void evaluate(const ModelView& model, Results& results) = 0;
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
