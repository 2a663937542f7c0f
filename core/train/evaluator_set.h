// The evaluators of a stage, run one after the other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/distributed/process_group.h"
#include "core/events/bus.h"
#include "gptcore/evaluator.h"

namespace gptcore {

class EvaluatorSet {
 public:
  // Already opened.
  void add(std::string name, std::unique_ptr<Evaluator> evaluator) {
    entries_.push_back({std::move(name), std::move(evaluator)});
  }
  // Evaluators see ids below this only, as those beyond are padding that no token has; 0 = all of the model's.
  void show_tokens(int64_t vocab_size) { vocab_size_ = vocab_size; }

  // [all ranks] Metrics as "<name>.<metric>", over all ranks; items go to `bus` as item_evaluated. One that throws gives no
  // metrics and a warning; after three times in a row it is not asked again.
  Table run(const ModelView& model, ProcessGroup& group, EventBus& bus, Host& host, int64_t step);

 private:
  struct Entry {
    std::string name;
    std::unique_ptr<Evaluator> evaluator;
    int failures = 0;  // in a row
  };
  std::vector<Entry> entries_;
  int64_t vocab_size_ = 0;
};

}  // namespace gptcore
