#include "core/options/train_options.h"

namespace gptcore {
namespace {

std::string number(double value) {
  return to_toml(Value(value));
}

void schedule_rules(const ScheduleOptions& o, Problems& found) {
  if (o.schedule != "constant" && o.min_lr > o.learning_rate)
    found.push_back(
        {"min_lr", "min_lr = " + number(o.min_lr) + " is above learning_rate = " + number(o.learning_rate), "lower min_lr"});
  const bool decays = o.schedule == "cosine" || o.schedule == "linear";
  if (decays && o.lr_decay_iters && *o.lr_decay_iters < o.warmup_iters)
    found.push_back(
        {"lr_decay_iters",
         "lr_decay_iters = " + std::to_string(*o.lr_decay_iters) + " is below warmup_iters = " + std::to_string(o.warmup_iters),
         "the decay starts after the warm-up"});
  if (o.schedule == "wsd" && o.wsd_decay_fraction <= 0)
    found.push_back({"wsd_decay_fraction", "schedule = \"wsd\" needs a wsd_decay_fraction above 0",
                     "use schedule = \"constant\" for no decay"});
}

void train_rules(const TrainOptions& o, Problems& found) {
  if (o.tokens_per_step > 0 && o.gradient_accumulation_steps != 1)
    found.push_back({"gradient_accumulation_steps", "tokens_per_step sets the accumulation itself",
                     "give one of tokens_per_step and gradient_accumulation_steps"});
  if (o.tokens_per_step > 0 && o.tokens_per_step % o.batch_size != 0)
    found.push_back({"tokens_per_step",
                     "tokens_per_step = " + std::to_string(o.tokens_per_step) +
                         " is not divisible by batch_size = " + std::to_string(o.batch_size),
                     "it is batch_size x block_size x the number of accumulated batches"});
}

}  // namespace

void ScheduleOptions::schema(Schema<ScheduleOptions>& s) {
  s.param("learning_rate", &ScheduleOptions::learning_rate, "highest learning rate").range(0, 1e6).live();
  s.param("schedule", &ScheduleOptions::schedule, "learning rate after the warm-up")
      .choice("cosine", "half a cosine down to min_lr at lr_decay_iters")
      .choice("constant", "stays at learning_rate")
      .choice("linear", "straight down to min_lr at lr_decay_iters")
      .choice("wsd", "constant, then straight down over the last wsd_decay_fraction")
      .live();
  s.param("warmup_iters", &ScheduleOptions::warmup_iters, "updates of linear warm-up").range(0, kMany).live();
  s.param("lr_decay_iters", &ScheduleOptions::lr_decay_iters, "update at which min_lr is reached; absent = max_iters")
      .range(1, kMany)
      .live();
  s.param("lr_schedule_offset", &ScheduleOptions::lr_schedule_offset, "update that warm-up and decay count from")
      .range(0, kMany)
      .live();
  s.param("min_lr", &ScheduleOptions::min_lr, "lowest learning rate of a decay").range(0, 1e6).live();
  s.param("wsd_decay_fraction", &ScheduleOptions::wsd_decay_fraction, "part of the updates that wsd decays over").range(0, 1);
  s.check(schedule_rules);
}

void OptimizerOptions::schema(Schema<OptimizerOptions>& s) {
  s.param("beta1", &OptimizerOptions::beta1, "AdamW's decay of the mean").at_least(0).below(1);
  s.param("beta2", &OptimizerOptions::beta2, "AdamW's decay of the mean square").at_least(0).below(1);
  s.param("eps", &OptimizerOptions::eps, "AdamW's epsilon").range(0, 1);
  s.param("weight_decay", &OptimizerOptions::weight_decay, "decoupled decay of tensors of two or more dimensions")
      .range(0, 1e6)
      .live();
  s.param("grad_clip", &OptimizerOptions::grad_clip, "largest norm of the gradient; 0 = off").at_least(0).live();
}

void FaultOptions::schema(Schema<FaultOptions>& s) {
  s.param("on_nonfinite", &FaultOptions::on_nonfinite, "what to do when the loss or gradient is not finite")
      .choice("abort", "stop and name the last good checkpoint")
      .choice("skip", "leave that update out");
  s.param("max_skips", &FaultOptions::max_skips, "consecutive skipped updates before giving up").range(0, kMany);
  s.param("on_spike", &FaultOptions::on_spike, "what to do when loss or gradient norm leaps above its running mean")
      .choice("off", "do not check")
      .choice("warn", "log a warning")
      .choice("skip", "leave that update out")
      .choice(
          "rewind",
          "return to the newest checkpoint not saved by a stop and leave out the data since; before the first one, like skip");
  s.param("spike_zscore", &FaultOptions::spike_zscore, "standard deviations above the running mean that make a spike")
      .range(1, 1e3);
  s.param("max_rewinds", &FaultOptions::max_rewinds, "rewinds of the stage before giving up").range(0, 1e6);
}

void EvaluationOptions::schema(Schema<EvaluationOptions>& s) {
  s.param("eval_interval", &EvaluationOptions::eval_interval, "updates between evaluations; 0 = only at the end")
      .range(0, kMany)
      .live();
  s.param("eval_iters", &EvaluationOptions::eval_iters, "batches an evaluation takes from each split, or all of it")
      .range(1, kMany)
      .word("all", static_cast<double>(kWholeSplit))
      .live();
  s.param("eval_batch_size", &EvaluationOptions::eval_batch_size, "samples per batch of an evaluation; 0 = batch_size")
      .range(0, 1e9);
  s.param("eval_only", &EvaluationOptions::eval_only, "evaluate once and stop").cosmetic();
}

void LogOptions::schema(Schema<LogOptions>& s) {
  s.param("log_interval", &LogOptions::log_interval, "updates between log lines").range(1, kMany).cosmetic();
  s.param("log_timing", &LogOptions::log_timing, "measure where the time of an update goes; on a GPU this takes time")
      .cosmetic();
  s.param("log_layer_norms", &LogOptions::log_layer_norms, "log the gradient norm of each layer, before clipping").cosmetic();
}

void CheckpointOptions::schema(Schema<CheckpointOptions>& s) {
  s.param("checkpoint_interval", &CheckpointOptions::checkpoint_interval,
          "updates between checkpoints, besides those of the best model; 0 = at every evaluation")
      .range(0, kMany)
      .cosmetic();
  s.param("always_save_checkpoint", &CheckpointOptions::always_save_checkpoint, "false: only when the val loss improved")
      .cosmetic();
  s.param("keep_checkpoints", &CheckpointOptions::keep_checkpoints, "newest checkpoints to keep, besides the best")
      .range(1, 1e9)
      .cosmetic();
  s.param("emergency_free_percent", &CheckpointOptions::emergency_free_percent,
          "save a checkpoint when less memory than this is left; 0 = never")
      .range(0, 90)
      .unit("percent")
      .cosmetic();
}

void PatienceOptions::schema(Schema<PatienceOptions>& s) {
  s.param("patience", &PatienceOptions::patience, "evaluations without improvement before stopping; 0 = never").range(0, 1e9);
  s.param("min_delta", &PatienceOptions::min_delta, "an improvement is a val loss more than this below the last one")
      .at_least(0);
}

void TrainOptions::schema(Schema<TrainOptions>& s) {
  s.param("max_iters", &TrainOptions::max_iters, "number of updates").range(0, kMany).live();
  s.param("max_tokens", &TrainOptions::max_tokens, "stop after this many tokens; 0 = no limit").range(0, 1e18);
  s.param("max_time", &TrainOptions::max_time, "stop after this long; 0 = no limit").at_least(0).unit("seconds").cosmetic();
  s.param("batch_size", &TrainOptions::batch_size, "samples per forward pass, on each rank").range(1, 1e9).live();
  s.param("gradient_accumulation_steps", &TrainOptions::gradient_accumulation_steps, "micro-batches per update")
      .range(1, 1e9)
      .live();
  s.param("tokens_per_step", &TrainOptions::tokens_per_step,
          "tokens per update, in place of gradient_accumulation_steps; 0 = off")
      .range(0, kMany);
  s.group<ScheduleOptions>();
  s.group<OptimizerOptions>();
  s.group<FaultOptions>();
  s.group<EvaluationOptions>();
  s.group<LogOptions>();
  s.group<CheckpointOptions>();
  s.group<PatienceOptions>();
  s.check(train_rules);
}

}  // namespace gptcore
