// Runs the operations of a train stage in its loop: asks them, commits what they plan, judges and undoes them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/train/batch_feed.h"
#include "core/train/batch_trials.h"
#include "core/train/checkpoint_writer.h"
#include "core/train/stage_evaluation.h"
#include "core/train/stage_run.h"

namespace gptcore {

class OperationRunner final : private OperationDuties {
 public:
  struct RoundEnd {
    bool changed = false;               // an operation has changed something
    std::optional<Rewind> rewind = {};  // where training goes back to; then nothing else is to be done
  };

  // All arguments outlive this.
  OperationRunner(StageRun& run, BatchFeed& feed, StageEvaluation& evaluation, CheckpointWriter& writer);

  // [all ranks] Asks the operations that are due after the event, which published `record`. Returns where training goes back to
  // when that undoes an operation.
  std::optional<Rewind> ask(Event event, Table record);
  // [all ranks] Asks those that state.round still has to ask.
  RoundEnd finish_round();

 private:
  // operation_runner.cpp
  void look(TrainingView& now, bool agree_on_time) const;
  bool nothing_to_undo(size_t index) override;
  Outcome carry_out(size_t index, const TrainingView& now) override;
  Reevaluation reevaluate() override;
  std::optional<double> last_val_loss() const override { return state_.val_loss; }
  int64_t edits() const override { return static_cast<int64_t>(context_.journal.size()); }
  void refresh(TrainingView& now) override { look(now, /*agree_on_time=*/true); }
  double agree(double number) override { return run_.largest(number); }
  void report(Table fields) override { context_.bus.emit(Event::operation, run_.global_step(), std::move(fields)); }
  int64_t first_step() const override { return context_.first_step; }
  void save() override { writer_.save_before_failing(); }
  std::optional<double> loss_before(const PlannedEdit& plan);
  bool commit(const std::string& operation, PlannedEdit& plan);
  void forget_losses();
  void control_data(const SetData& data);
  std::string edit_name(const std::string& operation) const;
  CommitReport commit_edits(const std::string& operation, PlannedEdit& plan, const TrainOptions& changed,
                            const std::vector<int32_t>& shown);
  CommitReport change_model(const std::string& operation, const PlannedEdit& plan, const TrainOptions& changed);
  void emit_edit(const std::string& operation, const std::vector<std::string>& lines, const PlannedEdit& plan,
                 const CommitReport& report);
  bool keeps_points(const ScheduledOperation& o) const;

  // operation_undo.cpp
  std::optional<Rewind> judge();
  bool is_judged(const UndoPoint& point) const;
  std::optional<Error> undo_problem(const UndoPoint& point) const;
  Rewind undo_last(size_t asked_by);
  Rewind undo(size_t point, std::optional<size_t> asked_by, const std::string& why);

  StageRun& run_;
  const TrainOptions& options_;
  TrainContext& context_;
  TrainState& state_;
  BatchFeed& feed_;
  StageEvaluation& evaluation_;
  CheckpointWriter& writer_;
  LoopTrials trials_;
  EditSupport support_;
  std::optional<double> loss_before_;  // of the last operation that wanted to know
  std::optional<Rewind> rewind_;       // of the operation that is being asked
  bool vocabulary_changed_ = false;    // by an operation of the round that is being asked
  std::set<size_t> told_idle_;         // operations with nothing to undo
  int64_t told_unjudged_ = -1;         // number of the last undo point that an evaluation without a target left unjudged
};

}  // namespace gptcore
