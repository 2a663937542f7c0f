// The keys of a train stage, grouped by what they control. The names are nanoGPT's. No LibTorch here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/options/counts.h"
#include "gptcore/schema.h"

namespace gptcore {

// The learning rate of each update.
struct ScheduleOptions {
  double learning_rate = 6e-4;
  std::string schedule = "cosine";  // cosine | constant | linear | wsd
  int64_t warmup_iters = 0;
  std::optional<int64_t> lr_decay_iters;  // absent = max_iters
  int64_t lr_schedule_offset = 0;         // update that the schedule counts from
  double min_lr = 0;
  double wsd_decay_fraction = 0.2;

  static void schema(Schema<ScheduleOptions>& s);
};

// AdamW, and the clipping before it.
struct OptimizerOptions {
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8;
  double weight_decay = 0.1;
  double grad_clip = 1.0;  // 0 = off

  static void schema(Schema<OptimizerOptions>& s);
};

// The reaction to an update whose loss or gradient is not finite or leaps.
struct FaultOptions {
  std::string on_nonfinite = "abort";  // abort | skip
  int64_t max_skips = 10;              // consecutive skipped updates before giving up
  std::string on_spike = "off";        // off | warn | skip | rewind
  double spike_zscore = 6;             // standard deviations above the running mean that make a spike
  int64_t max_rewinds = 3;             // of the stage, before giving up

  static void schema(Schema<FaultOptions>& s);
};

struct EvaluationOptions {
  int64_t eval_interval = 2000;
  int64_t eval_iters = 200;     // or "all"
  int64_t eval_batch_size = 0;  // 0 = batch_size
  bool eval_only = false;

  static void schema(Schema<EvaluationOptions>& s);
};

struct LogOptions {
  int64_t log_interval = 1;
  bool log_timing = false;
  bool log_layer_norms = false;

  static void schema(Schema<LogOptions>& s);
};

struct CheckpointOptions {
  int64_t checkpoint_interval = 0;     // updates, besides the best; 0 = at every evaluation
  bool always_save_checkpoint = true;  // false: only when val loss improved
  int64_t keep_checkpoints = 2;        // newest ones, besides the best
  double emergency_free_percent = 3;   // memory left; 0 = off

  static void schema(Schema<CheckpointOptions>& s);
};

// The conditions under which a stage ends early.
struct PatienceOptions {
  int64_t patience = 0;  // evaluations without improvement; 0 = never stop early
  double min_delta = 1e-4;

  static void schema(Schema<PatienceOptions>& s);
};

struct TrainOptions : ScheduleOptions,
                      OptimizerOptions,
                      FaultOptions,
                      EvaluationOptions,
                      LogOptions,
                      CheckpointOptions,
                      PatienceOptions {
  int64_t max_iters = 600000;
  int64_t max_tokens = 0;  // 0 = no limit
  double max_time = 0;     // seconds; 0 = no limit
  int64_t batch_size = 12;
  int64_t gradient_accumulation_steps = 1;
  int64_t tokens_per_step = 0;  // 0 = off; else sets the accumulation from batch_size and block_size

  static void schema(Schema<TrainOptions>& s);
};

}  // namespace gptcore
