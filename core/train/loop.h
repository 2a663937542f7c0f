// The state of one stage's training loop while it runs; trainer.h tells what it does.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/data/prefetcher.h"
#include "core/train/batch_trials.h"
#include "core/train/trainer.h"

namespace gptcore {

class Loop final : private OperationDuties {
 public:
  Loop(const TrainOptions& options, TrainContext& context, TrainState& state);
  StageEnd run();

 private:
  enum class Must { succeed, try_again_later };
  enum class Asked { by_schedule, in_between };  // a checkpoint, by a stop or for want of memory
  // Thrown to leave the loop for TrainContext::rewind.
  struct Rewound {};
  // The updates since the last log line, between which operations may have changed model and batch. Time excludes
  // evaluations and checkpoints.
  struct Meter {
    double seconds = 0;
    double updates = 0, tokens = 0, flops = 0;
  };

  // loop.cpp
  StageEnd train();
  void note_place() const;
  bool finished() const;
  StageEnd end(StageEnd how);
  void warn_without_targets() const;
  void count_tokens();
  void update();
  bool evaluate();  // false when a signal came
  void compare_from_now(const EvaluationPlan& plan);
  void take_states();
  void require_finite_losses() const;
  std::optional<double> split_loss(Split split, const EvaluationPlan& plan, bool interruptible);
  std::optional<double> val_loss(const EvaluationPlan& plan);
  bool saved() const { return saved_step_ == s_.step && !changed_since_; }
  bool save(bool best, Must must, Asked asked);  // false when it has to be tried again later
  void save_when_memory_is_short();
  void save_before_failing();

  // loop_operations.cpp
  void ask_operations(Event event);
  bool finish_round();
  void look(TrainingView& now, bool agree_on_time) const;
  Batch next_samples(int64_t count);
  bool nothing_to_undo(size_t index) override;
  [[noreturn]] void carry_out_undo(size_t index);
  bool carry_out(size_t index, const TrainingView& now) override;
  std::optional<double> loss_before(const PlannedEdit& plan);
  Reevaluation reevaluate() override;
  std::optional<double> last_val_loss() const override { return s_.val_loss; }
  int64_t edits() const override { return static_cast<int64_t>(c_.journal.size()); }
  void refresh(TrainingView& now) override { look(now, /*agree_on_time=*/true); }
  double agree(double number) override { return largest(number); }
  void report(Table fields) override { c_.bus.emit(Event::operation, global_step(), std::move(fields)); }
  int64_t first_step() const override { return c_.first_step; }
  void save() override { save_before_failing(); }
  bool commit(const std::string& operation, PlannedEdit& plan);
  void forget_losses();
  void control_data(const SetData& data);
  std::string edit_name(const std::string& operation) const;
  CommitReport commit_edits(const std::string& operation, PlannedEdit& plan, const TrainOptions& changed,
                            const std::vector<int32_t>& shown);
  CommitReport change_model(const std::string& operation, const PlannedEdit& plan, const TrainOptions& changed);
  bool keeps_points(const ScheduledOperation& o) const;
  void judge_operations();
  bool is_judged(const UndoPoint& point) const;
  std::optional<Error> undo_problem(const UndoPoint& point) const;
  [[noreturn]] void undo(size_t point, std::optional<size_t> asked_by, const std::string& why);

  // loop_faults.cpp
  StepLimits limits();
  void look_at(const StepResult& result);
  bool refuse_nonfinite(const StepResult& result);
  void look_for_spike(const StepResult& result);
  void skip_spike(const std::string& what);
  [[noreturn]] void rewind_spike(const std::string& what);
  std::string first_bad() const;
  std::string spoilt_parameter() const;
  static std::string nonfinite_hint(bool patient);

  // loop_records.cpp
  void emit_step(const StepResult& result, double lr);
  void emit_edit(const std::string& operation, const std::vector<std::string>& lines, const PlannedEdit& plan,
                 const CommitReport& report);

  // Of all ranks.
  double largest(double number) const { return gptcore::largest(c_.group, c_.step.device, number); }
  Timing* timing() { return timing_ ? &*timing_ : nullptr; }
  int64_t global_step() const { return c_.first_step + s_.step; }

  const TrainOptions& options_;  // as the pipeline has them
  TrainOptions o_;               // as operations left them
  TrainContext& c_;
  TrainState& s_;
  NetworkView view_;
  Table record_;  // of the last update, where it was logged
  int64_t block_, accumulation_ = 1, samples_per_step_ = 0, tokens_per_step_ = 0;
  double flops_per_step_ = 0;
  int64_t saved_step_;                      // where the newest checkpoint is; -1: there is none of this stage
  bool vocabulary_changed_ = false;         // by an operation of the round that is being asked
  bool best_forgotten_ = false;             // the model that was best is of another vocabulary
  bool changed_since_ = false;              // an operation has changed what that one holds, at the same step
  int failed_saves_ = 0;                    // in a row
  std::optional<double> unsaved_best_;      // the model's val loss, where no checkpoint could be saved of this best one
  int64_t blank_updates_ = 0;               // since the loop began, without a target
  bool had_target_ = false;                 // one of them
  std::optional<EvaluationPlan> measured_;  // what s_.val_loss, the model's as it is now, was measured on
  std::optional<double> loss_before_;       // the last operation that wanted to know
  std::set<size_t> told_idle_;              // operations with nothing to undo
  int64_t told_unjudged_ = -1;              // number of the last undo point that an evaluation without a target left unjudged
  LoopTrials trials_;
  EditSupport support_;
  MemoryWatch memory_;
  std::optional<Timing> timing_;
  Meter meter_;
  std::optional<Prefetcher> prefetcher_;
};

}  // namespace gptcore
