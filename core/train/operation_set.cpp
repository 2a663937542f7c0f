#include "core/train/operation_set.h"

#include "gptcore/error.h"

namespace gptcore {

void OperationSet::add(ScheduledOperation operation) {
  operations_.push_back(std::move(operation));
  fired_.push_back(0);
}

bool OperationSet::due(size_t index, const TrainingView& now) const {
  const ScheduledOperation& o = operations_[index];
  if (!o.when) return (o.events & on(now.event)) != 0;
  return !(o.when->once() && fired_[index] > 0) && o.when->fires(now.event, now.step, now.val_loss);
}

void OperationSet::ask(TrainingView& now, const ModelView& model,
                       const std::function<void(const std::string&, const PlannedEdit&)>& commit,
                       const std::function<void(TrainingView&)>& refresh) {
  for (size_t i = 0; i < operations_.size(); ++i) {
    if (!due(i, now)) continue;
    const ScheduledOperation& o = operations_[i];
    if (o.when) ++fired_[i];
    try {
      PlannedEdit edit(model, o.effects);
      o.operation->plan(now, edit);
      if (edit.empty()) continue;
      commit(o.name, edit);
    } catch (const Error& e) {
      if (e.code() == Code::plugin_failed) throw;
      throw Error(e.code(), "operation '" + o.name + "' after step " + std::to_string(now.step) + ": " + e.what(), e.hint(),
                  e.where());
    }
    refresh(now);
  }
}

std::vector<std::string> OperationSet::save() const {
  std::vector<std::string> all;
  for (const ScheduledOperation& o : operations_) all.push_back(o.operation->save());
  return all;
}

void OperationSet::load(const std::vector<int64_t>& fired, const std::vector<std::string>& saved) {
  if (fired.size() != operations_.size() || saved.size() != operations_.size())
    throw Error(Code::checkpoint_mismatch,
                "the checkpoint was made with " + std::to_string(fired.size()) + " operations in this stage, the pipeline has " +
                    std::to_string(operations_.size()),
                "use the operations that it was made with");
  fired_ = fired;
  for (size_t i = 0; i < operations_.size(); ++i)
    if (!saved[i].empty()) operations_[i].operation->load(saved[i]);
}

}  // namespace gptcore
