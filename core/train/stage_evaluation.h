// The evaluations of a train stage: losses of both splits, patience, evaluators.
#pragma once

#include <optional>

#include "core/train/evaluation.h"
#include "core/train/stage_run.h"

namespace gptcore {

class StageEvaluation {
 public:
  struct Measured {
    Table fields;                       // of the event evaluation_ended
    std::optional<double> former_best;  // the best val loss until now, where the model is better; +infinity for none
  };

  // `run` outlives this.
  explicit StageEvaluation(StageRun& run) : run_(run) {}

  // [all ranks] Measures both splits and asks the evaluators. The state gets the losses, the best one and patience. Returns
  // nothing when a signal has come: then the state is as before. `timing` may be null.
  std::optional<Measured> measure(Timing* timing);
  // [all ranks] Returns the model's val loss on the plan's batches, the train loss where there is no val split. Absent: no
  // window has a target. The last evaluation's is taken where it is of this model and plan.
  std::optional<double> val_loss(const EvaluationPlan& plan);
  // [all ranks] Puts the val loss of the model as it is now into the state, on the batches of the evaluations to come.
  void measure_val_loss_again();
  // The model has changed since it was measured.
  void forget() { measured_.reset(); }

 private:
  std::optional<double> split_loss(Split split, const EvaluationPlan& plan, bool interruptible);
  std::optional<double> val_split_loss(const EvaluationPlan& plan);
  void compare_from_now(const EvaluationPlan& plan);
  bool has_val_split() const { return run_.context.dataset.windows(Split::val) > 0; }

  StageRun& run_;
  std::optional<EvaluationPlan> measured_;  // what state.val_loss, the model's as it is now, was measured on
};

}  // namespace gptcore
