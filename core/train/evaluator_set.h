// Runs the evaluators of a stage, one after the other.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/distributed/process_group.h"
#include "core/events/bus.h"
#include "gptcore/evaluator.h"

namespace gptcore {

class EvaluatorSet {
 public:
  // Adds an open evaluator. A resumed run recognizes it by `identity`, its name and arguments.
  void add(std::string name, std::unique_ptr<Evaluator> evaluator, std::string identity = {}) {
    entries_.push_back({std::move(name), std::move(evaluator), std::move(identity)});
  }
  // Shows evaluators only the ids below vocab_size, because those beyond are padding; 0 = all of the model's ids.
  void show_tokens(int64_t vocab_size) { vocab_size_ = vocab_size; }

  // [all ranks] Returns the metrics "<name>.<metric>" over all ranks. Emits items to `bus` as item_evaluated. An evaluator that
  // throws on any rank yields no metrics and a warning; after three failures in a row it is switched off.
  Table run(const ModelView& model, ProcessGroup& group, EventBus& bus, Host& host, int64_t step);

  // Call it when an operation has given the model other tensors or layers. Clears all failures, so that every evaluator runs
  // again, and reports which had been switched off.
  void model_changed(const std::string& operation, Host& host);

  // Returns the failures in a row by identity, for checkpoints.
  std::map<std::string, int64_t> failures() const;
  // Replaces the failures by those of a checkpoint, and reports which evaluators that switches off.
  void load(const std::map<std::string, int64_t>& failures, Host& host);

 private:
  struct Entry {
    std::string name;
    std::unique_ptr<Evaluator> evaluator;
    std::string identity;
    int64_t failures = 0;  // in a row
  };
  std::vector<Entry> entries_;
  int64_t vocab_size_ = 0;
};

}  // namespace gptcore
