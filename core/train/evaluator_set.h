// The evaluators of a stage, run one after the other.
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
  // Already opened. A resumed run knows it by `identity`, its name and arguments.
  void add(std::string name, std::unique_ptr<Evaluator> evaluator, std::string identity = {}) {
    entries_.push_back({std::move(name), std::move(evaluator), std::move(identity)});
  }
  // Evaluators see ids below this only, as those beyond are padding that no token has; 0 = all of the model's.
  void show_tokens(int64_t vocab_size) { vocab_size_ = vocab_size; }

  // [all ranks] Metrics as "<name>.<metric>", over all ranks; items go to `bus` as item_evaluated. One that throws gives no
  // metrics and a warning; after three times in a row it is not asked again.
  Table run(const ModelView& model, ProcessGroup& group, EventBus& bus, Host& host, int64_t step);

  // The operation has given the model other tensors or layers: failures until now do not count, and each evaluator is asked
  // again. Tells which were switched off.
  void model_changed(const std::string& operation, Host& host);

  // Failures in a row of those that have failed, by identity: part of a checkpoint.
  std::map<std::string, int64_t> failures() const;
  // Those of a checkpoint in place of its own. Tells which are switched off by them.
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
