// Operations on the learning rate's schedule and on evaluations.
#include "../count_setting.h"
#include "gptcore/plugin.h"

namespace {

using namespace gptcore;
using namespace gptcore::operations;

constexpr char kWarmup[] = "warmup_iters";
constexpr char kEvalIters[] = "eval_iters";
constexpr char kEvalInterval[] = "eval_interval";

// Sets the peak of the schedule, and lowers min_lr when it would be above.
void set_learning_rate(ModelEdit& edit, double rate) {
  edit.set("learning_rate", rate);
  const auto lowest = number_in(edit.setting("min_lr"));
  if (lowest && *lowest > rate) edit.set("min_lr", rate);
}

struct SetLr final : Scheduled {
  static constexpr Effects effects = kChangesTraining;
  double value = 0;
  static void schema(Schema<SetLr>& s) {
    s.param("value", &SetLr::value, "the new learning_rate, the peak of its schedule").required().range(0, 1e6);
  }
  void plan(const TrainingView&, ModelEdit& edit) override { set_learning_rate(edit, value); }
};

struct ChangeLr final : Scheduled {
  static constexpr Effects effects = kChangesTraining;
  double value = 1;
  static void schema(Schema<ChangeLr>& s) {
    s.param("value", &ChangeLr::value, "what learning_rate is multiplied by").required().above(0);
  }
  void plan(const TrainingView& now, ModelEdit& edit) override { set_learning_rate(edit, now.learning_rate * value); }
};

struct ChangeWarmupIters final : Scheduled {
  static constexpr Effects effects = kChangesTraining;
  double value = 1;
  static void schema(Schema<ChangeWarmupIters>& s) {
    s.param("value", &ChangeWarmupIters::value,
            "what warmup_iters and lr_decay_iters (max_iters when absent) are multiplied by; the products are rounded down")
        .required()
        .above(0);
  }
  void plan(const TrainingView& now, ModelEdit& edit) override {
    const int64_t decay = edit.setting("lr_decay_iters").empty() ? now.max_iters : count_of(edit, "lr_decay_iters");
    edit.set(kWarmup, scaled(count_of(edit, kWarmup), value, 0));
    edit.set("lr_decay_iters", scaled(decay, value, 1));
  }
};

struct ResetLrSchedule final : Scheduled {
  static constexpr Effects effects = kChangesTraining;
  Value value;
  static void schema(Schema<ResetLrSchedule>& s) {
    s.param("value", &ResetLrSchedule::value, "not used; lists of operations have it");
  }
  void plan(const TrainingView& now, ModelEdit& edit) override { edit.set("lr_schedule_offset", now.step); }
};

struct SetEvalIters final : Scheduled {
  static constexpr Effects effects = kChangesTraining;
  static constexpr int64_t kAll = -1;
  int64_t value = 0;
  static void schema(Schema<SetEvalIters>& s) {
    s.param("value", &SetEvalIters::value, "the new eval_iters").required().range(1, kMany).word("all", kAll);
  }
  void plan(const TrainingView&, ModelEdit& edit) override {
    edit.set(kEvalIters, value == kAll ? Value("all") : Value(value));
  }
};

void setup(Registrar& r) {
  r.operation<SetLr>("set_lr", "sets the learning rate; its schedule continues from there");
  r.operation<ChangeLr>("change_lr", "multiplies the learning rate");
  r.operation<SetCount<kWarmup, 0>>("set_warmup_iters", "sets the length of the warm-up");
  r.operation<ChangeWarmupIters>("change_warmup_iters", "multiplies the lengths of the warm-up and of the decay");
  r.operation<ResetLrSchedule>("reset_lr_schedule", "starts the warm-up and the decay again from here");
  r.operation<SetEvalIters>("set_eval_iters", "sets the number of batches of an evaluation");
  r.operation<ChangeCount<kEvalIters, 1>>("change_eval_iters", "multiplies the number of batches of an evaluation");
  r.operation<SetCount<kEvalInterval, 0>>("set_eval_interval", "sets the number of updates between evaluations");
  r.operation<ChangeCount<kEvalInterval, 1>>("change_eval_interval", "multiplies the number of updates between evaluations");
}

}  // namespace

GPTCORE_PLUGIN("schedule", GPTCORE_VERSION, setup)
