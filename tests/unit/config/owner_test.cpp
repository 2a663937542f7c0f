// What the schema lines of the core's own tables say of their keys.
#include "core/config/owner.h"

#include <set>

#include "core/config/stage_kinds.h"
#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("keys that change neither weights nor their course are told by their schemas", "[config]") {
  for (const char* setting :
       {"run.name", "run.out_dir", "run.peak_tflops", "run.threads", "model.preset", "model.init_from", "train.log_interval",
        "train.eval_only", "train.keep_checkpoints", "train.checkpoint_interval", "train.always_save_checkpoint",
        "train.max_time", "train.operations_file", "train.write_back", "train.operation.0.completed", "tune.log_timing",
        "tune.log_layer_norms", "tune.emergency_free_percent", "logger.0.use"}) {
    INFO(setting);
    CHECK(is_cosmetic(setting));
  }
  for (const char* setting : {"run.seed", "run.device", "model.n_layer", "model.log_interval", "train.name", "train.max_iters",
                              "train.eval_iters", "dataset.use", "adapter.0.use", "train.operation.0.when"}) {
    INFO(setting);
    CHECK_FALSE(is_cosmetic(setting));
  }
}

TEST_CASE("what operations may set is what the schema calls live", "[config]") {
  std::set<std::string> live;
  for (const StageKind& kind : stage_kinds())
    for (const ParamSpec& spec : kind.owner.params)
      if (spec.live) live.insert(spec.name);
  CHECK(live == std::set<std::string>{"learning_rate", "min_lr", "warmup_iters", "lr_decay_iters", "lr_schedule_offset",
                                      "schedule", "batch_size", "gradient_accumulation_steps", "grad_clip", "weight_decay",
                                      "eval_interval", "eval_iters", "max_iters"});
}

TEST_CASE("each kind of stage turns a checked table into its own options", "[config]") {
  CHECK(stage_kind_names() == std::vector<std::string>{"train", "evaluate", "sample", "prepare"});
  for (size_t i = 0; i < stage_kinds().size(); ++i) CHECK(stage_kinds()[i].options({}).index() == i);
  CHECK(find_stage_kind("test") == nullptr);
  CHECK(stages_that_take(&StageKind::takes_operations) == "a train stage's");
  CHECK(stages_that_take(&StageKind::takes_evaluators) == "a train or evaluate stage's");
}
