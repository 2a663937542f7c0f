#include "core/train/train_options.h"

#include <algorithm>

namespace gptcore {
namespace {

constexpr double kMany = 1e15;  // a count that no run reaches, so that sums of a few stay within int64

bool is_device(const std::string& text) {
  if (text == "auto" || text == "cpu" || text == "cuda") return true;
  constexpr size_t kPrefix = 5;  // "cuda:"
  return text.starts_with("cuda:") && text.size() > kPrefix && text.size() <= kPrefix + 3 &&
         std::all_of(text.begin() + kPrefix, text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A run's name is also a folder's name.
bool is_folder_name(const std::string& text) {
  return !text.empty() && text.size() <= 100 && text.front() != '.' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

std::string number(double value) {
  return to_toml(Value(value));
}

void learning_rate_params(Schema<TrainOptions>& s) {
  s.param("learning_rate", &TrainOptions::learning_rate, "highest learning rate").range(0, 1e6);
  s.param("schedule", &TrainOptions::schedule, "learning rate after the warm-up")
      .choice("cosine", "half a cosine down to min_lr at lr_decay_iters")
      .choice("constant", "stays at learning_rate")
      .choice("linear", "straight down to min_lr at lr_decay_iters")
      .choice("wsd", "constant, then straight down over the last wsd_decay_fraction");
  s.param("warmup_iters", &TrainOptions::warmup_iters, "updates of linear warm-up").range(0, kMany);
  s.param("lr_decay_iters", &TrainOptions::lr_decay_iters, "update at which min_lr is reached; absent = max_iters")
      .range(1, kMany);
  s.param("lr_schedule_offset", &TrainOptions::lr_schedule_offset, "update that warm-up and decay count from").range(0, kMany);
  s.param("min_lr", &TrainOptions::min_lr, "lowest learning rate of a decay").range(0, 1e6);
  s.param("wsd_decay_fraction", &TrainOptions::wsd_decay_fraction, "part of the updates that wsd decays over").range(0, 1);
}

void optimizer_params(Schema<TrainOptions>& s) {
  s.param("beta1", &TrainOptions::beta1, "AdamW's decay of the mean").at_least(0).below(1);
  s.param("beta2", &TrainOptions::beta2, "AdamW's decay of the mean square").at_least(0).below(1);
  s.param("eps", &TrainOptions::eps, "AdamW's epsilon").range(0, 1);
  s.param("weight_decay", &TrainOptions::weight_decay, "decoupled decay of tensors of two or more dimensions").range(0, 1e6);
  s.param("grad_clip", &TrainOptions::grad_clip, "largest norm of the gradient; 0 = off").at_least(0);
  s.param("on_nonfinite", &TrainOptions::on_nonfinite, "what to do when the loss or gradient is not finite")
      .choice("abort", "stop with the last good checkpoint named")
      .choice("skip", "leave that update out");
  s.param("max_skips", &TrainOptions::max_skips, "consecutive skipped updates before giving up").range(0, kMany);
  s.param("on_spike", &TrainOptions::on_spike, "what to do when loss or gradient norm leaps above its running mean")
      .choice("off", "do not look")
      .choice("warn", "say so")
      .choice("skip", "leave that update out")
      .choice(
          "rewind",
          "go back to the newest checkpoint that no stop has added and leave out the data since; before the first one as skip");
  s.param("spike_zscore", &TrainOptions::spike_zscore, "standard deviations above the running mean that make a spike")
      .range(1, 1e3);
  s.param("max_rewinds", &TrainOptions::max_rewinds, "rewinds of the stage before giving up").range(0, 1e6);
}

void evaluation_params(Schema<TrainOptions>& s) {
  s.param("eval_interval", &TrainOptions::eval_interval, "updates between evaluations; 0 = only at the end").range(0, kMany);
  s.param("eval_iters", &TrainOptions::eval_iters, "batches an evaluation takes from each split, or all of it")
      .range(1, kMany)
      .word("all", static_cast<double>(kWholeSplit));
  s.param("eval_batch_size", &TrainOptions::eval_batch_size, "samples a batch of evaluation; 0 = batch_size").range(0, 1e9);
  s.param("eval_only", &TrainOptions::eval_only, "evaluate once and stop");
  s.param("log_interval", &TrainOptions::log_interval, "updates between log lines").range(1, kMany);
  s.param("log_timing", &TrainOptions::log_timing, "measure where an update's time goes; on a GPU this costs some of it");
  s.param("log_layer_norms", &TrainOptions::log_layer_norms, "log the gradient norm of each layer, before clipping");
  s.param("checkpoint_interval", &TrainOptions::checkpoint_interval,
          "updates between checkpoints, besides those of the best model; 0 = at every evaluation")
      .range(0, kMany);
  s.param("always_save_checkpoint", &TrainOptions::always_save_checkpoint, "false: only when the val loss improved");
  s.param("keep_checkpoints", &TrainOptions::keep_checkpoints, "newest checkpoints to keep, besides the best").range(1, 1e9);
  s.param("emergency_free_percent", &TrainOptions::emergency_free_percent,
          "save a checkpoint when less memory than this is left; 0 = never")
      .range(0, 90)
      .unit("percent");
  s.param("patience", &TrainOptions::patience, "evaluations without improvement before stopping; 0 = never").range(0, 1e9);
  s.param("min_delta", &TrainOptions::min_delta, "the val loss must be more than this below the last improvement to be one")
      .at_least(0);
}

void train_rules(const TrainOptions& o, Problems& found) {
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

void RunOptions::schema(Schema<RunOptions>& s) {
  s.param("name", &RunOptions::name, "results go to runs/<name>; not given: the pipeline file's name");
  s.param("out_dir", &RunOptions::out_dir, "folder of the results; \"\" = runs/<name> under the current folder").path();
  s.param("seed", &RunOptions::seed, "start of every random sequence").at_least(0);
  s.param("device", &RunOptions::device, "auto | cpu | cuda | cuda:N");
  s.param("precision", &RunOptions::precision, "of the forward and backward pass")
      .choice("float32")
      .choice("bfloat16", "autocast")
      .choice("float16", "autocast with a gradient scaler");
  s.param("threads", &RunOptions::threads, "CPU threads; 0 = OMP_NUM_THREADS, else all processors this process may use")
      .range(0, static_cast<double>(kMostThreads));
  s.param("peak_tflops", &RunOptions::peak_tflops, "for MFU; 0 = the device's known peak, on a CPU a measured sgemm")
      .at_least(0);

  s.check([](const RunOptions& o, Problems& found) {
    if (!is_device(o.device))
      found.push_back({"device", "'device' wants auto, cpu, cuda or cuda:N, got " + to_toml(Value(o.device)), {}});
    if (!is_folder_name(o.name))
      found.push_back({"name", "'name' wants letters, digits, '.', '_' and '-', got " + to_toml(Value(o.name)),
                       "give a folder elsewhere as out_dir"});
  });
}

void TrainOptions::schema(Schema<TrainOptions>& s) {
  s.param("max_iters", &TrainOptions::max_iters, "number of updates").range(0, kMany);
  s.param("max_tokens", &TrainOptions::max_tokens, "stop after so many tokens; 0 = no limit").range(0, 1e18);
  s.param("max_time", &TrainOptions::max_time, "stop after so long; 0 = no limit").at_least(0).unit("seconds");
  s.param("batch_size", &TrainOptions::batch_size, "samples a forward pass, on each rank").range(1, 1e9);
  s.param("gradient_accumulation_steps", &TrainOptions::gradient_accumulation_steps, "batches an update").range(1, 1e9);
  s.param("tokens_per_step", &TrainOptions::tokens_per_step, "tokens an update, in place of the accumulation; 0 = off")
      .range(0, kMany);
  learning_rate_params(s);
  optimizer_params(s);
  evaluation_params(s);
  s.check(train_rules);
}

void EvaluateOptions::schema(Schema<EvaluateOptions>& s) {
  s.param("splits", &EvaluateOptions::splits, "what is measured: train, val or both");
  s.check([](const EvaluateOptions& o, Problems& found) {
    for (const std::string& split : o.splits)
      if (split != "train" && split != "val")
        found.push_back({"splits", "there is no split '" + split + "'", "splits = [\"train\", \"val\"]"});
    if (o.splits.empty()) found.push_back({"splits", "'splits' is empty", "splits = [\"val\"]"});
  });
  s.param("eval_iters", &EvaluateOptions::eval_iters, "batches from each split, or all of it")
      .range(1, kMany)
      .word("all", static_cast<double>(kWholeSplit));
  s.param("batch_size", &EvaluateOptions::batch_size, "samples a forward pass").range(1, 1e9);
}

void SampleOptions::schema(Schema<SampleOptions>& s) {
  s.param("prompt", &SampleOptions::prompt,
          "what the text starts with, or FILE:path, which counts from the pipeline file's folder");
  s.param("num_samples", &SampleOptions::num_samples, "number of texts").range(1, 1e6);
  s.param("max_new_tokens", &SampleOptions::max_new_tokens, "length of each").range(1, 1e9).unit("tokens");
  s.param("temperature", &SampleOptions::temperature, "above 1 wilder, below 1 safer; 0 = always the likeliest").range(0, 1e3);
  s.param("top_k", &SampleOptions::top_k, "choose among so many likeliest tokens; 0 = among all").range(0, 1e9);
  s.param("top_p", &SampleOptions::top_p, "choose among the likeliest tokens that have this share together")
      .above(0)
      .range(0, 1);
  s.param("repetition_penalty", &SampleOptions::repetition_penalty, "above 1: tokens that were there become less likely")
      .range(0.01, 100);
  s.param("stop", &SampleOptions::stop, "a text ends before the first of these");
}

}  // namespace gptcore
