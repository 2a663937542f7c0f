// The operations of a train stage: who is asked when, and what they said.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/train/planned_edit.h"
#include "core/train/when.h"
#include "gptcore/operation.h"

namespace gptcore {

struct ScheduledOperation {
  std::string name;
  std::unique_ptr<Operation> operation;
  std::optional<When> when;  // absent: after each of `events`
  EventSet events = 0;
  Effects effects = 0;
};

class OperationSet {
 public:
  // Already opened.
  void add(ScheduledOperation operation);
  bool empty() const { return operations_.empty(); }

  // Asks every operation that is due after `now.event`, in pipeline order; `commit` carries out a plan before the next is
  // asked, for which `refresh` brings `now` up to date. Errors name the operation.
  void ask(TrainingView& now, const ModelView& model, const std::function<void(const std::string&, const PlannedEdit&)>& commit,
           const std::function<void(TrainingView&)>& refresh);

  // How often each has been asked by its `when`; part of a checkpoint.
  const std::vector<int64_t>& fired() const { return fired_; }
  std::vector<std::string> save() const;  // each one's own state
  // Throws Error(checkpoint_mismatch) when there were more or fewer operations.
  void load(const std::vector<int64_t>& fired, const std::vector<std::string>& saved);

 private:
  bool due(size_t index, const TrainingView& now) const;
  std::vector<ScheduledOperation> operations_;
  std::vector<int64_t> fired_;
};

}  // namespace gptcore
