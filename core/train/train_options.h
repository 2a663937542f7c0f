// The keys of the pipeline's own tables: [run] and [[stage]] of each kind. nanoGPT's names. No LibTorch here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gptcore/schema.h"

namespace gptcore {

constexpr int64_t kWholeSplit = -1;     // eval_iters = "all"
constexpr int64_t kMostThreads = 1024;  // with 2048 a step ends in a segmentation fault

struct RunOptions {
  std::string name = "run";
  std::string out_dir;  // "" = runs/<name> under the current folder
  int64_t seed = 1337;
  std::string device = "auto";        // auto | cpu | cuda | cuda:N
  std::string precision = "float32";  // float32 | bfloat16 | float16
  int64_t threads = 0;                // 0 = OMP_NUM_THREADS, else all processors
  double peak_tflops = 0;             // for MFU; 0 = the device's known peak, on a CPU a measured sgemm

  static void schema(Schema<RunOptions>& s);
};

struct TrainOptions {
  int64_t max_iters = 600000;
  int64_t max_tokens = 0;  // 0 = no limit
  double max_time = 0;     // seconds; 0 = no limit
  int64_t batch_size = 12;
  int64_t gradient_accumulation_steps = 1;
  int64_t tokens_per_step = 0;  // 0 = off; else sets the accumulation from batch_size and block_size

  double learning_rate = 6e-4;
  std::string schedule = "cosine";  // cosine | constant | linear | wsd
  int64_t warmup_iters = 0;
  std::optional<int64_t> lr_decay_iters;  // absent = max_iters
  int64_t lr_schedule_offset = 0;         // update that the schedule counts from
  double min_lr = 0;
  double wsd_decay_fraction = 0.2;
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8;
  double weight_decay = 0.1;
  double grad_clip = 1.0;              // 0 = off
  std::string on_nonfinite = "abort";  // abort | skip
  int64_t max_skips = 10;              // consecutive skipped updates before giving up
  std::string on_spike = "off";        // off | warn | skip | rewind
  double spike_zscore = 6;             // standard deviations above the running mean that make a spike
  int64_t max_rewinds = 3;             // of the stage, before giving up

  int64_t eval_interval = 2000;
  int64_t eval_iters = 200;     // or "all"
  int64_t eval_batch_size = 0;  // 0 = batch_size
  bool eval_only = false;
  int64_t log_interval = 1;
  bool log_timing = false;
  bool log_layer_norms = false;
  int64_t checkpoint_interval = 0;     // updates, besides the best; 0 = at every evaluation
  bool always_save_checkpoint = true;  // false: only when val loss improved
  int64_t keep_checkpoints = 2;        // newest ones, besides the best
  double emergency_free_percent = 3;   // memory left; 0 = off
  int64_t patience = 0;                // evaluations without improvement; 0 = never stop early
  double min_delta = 1e-4;

  static void schema(Schema<TrainOptions>& s);
};

struct EvaluateOptions {
  std::vector<std::string> splits = {"val"};  // train, val
  int64_t eval_iters = kWholeSplit;
  int64_t batch_size = 12;

  static void schema(Schema<EvaluateOptions>& s);
};

// What a prompt begins with whose text is in a file.
inline constexpr std::string_view kPromptFile = "FILE:";

struct SampleOptions {
  std::string prompt = "\n";
  int64_t num_samples = 1;
  int64_t max_new_tokens = 500;
  double temperature = 0.8;
  int64_t top_k = 200;
  double top_p = 1;
  double repetition_penalty = 1;
  std::vector<std::string> stop;

  static void schema(Schema<SampleOptions>& s);
};

}  // namespace gptcore
