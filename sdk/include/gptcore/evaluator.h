// An evaluator measures the model without changing it. A [[stage.evaluator]] table names it; a train stage runs it at each
// evaluation, an evaluate stage runs it once.
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

// Collects what an evaluator measures. The program implements it.
class Results {
 public:
  virtual ~Results();
  // Adds to a metric, whose value is sum / count over all calls and all ranks. Every rank must add to the same metrics.
  virtual void add(std::string_view metric, double sum, double count = 1) = 0;
  // Passes the record of one item to loggers as the event item_evaluated.
  virtual void item(const Table& record) = 0;
};

// What it throws is reported; after three failures in a row it is switched off for the rest of the run.
class Evaluator {
 public:
  virtual ~Evaluator();
  // Reads the items to evaluate. Throws Error(data_*), which names file and line.
  virtual void open(const EvaluatorContext& context) { static_cast<void>(context); }
  // [all ranks, no grad] Measures the model. Rank r takes the items r, r + ranks, ..., so that each item is measured once.
  virtual void evaluate(const ModelView& model, Results& results) = 0;
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
