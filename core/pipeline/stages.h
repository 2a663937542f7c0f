// The stages of a run: train, evaluate, sample. Each works on the model as the stages before it left it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/checkpoint/store.h"
#include "core/events/bus.h"
#include "core/pipeline/preflight.h"
#include "core/pipeline/run_state.h"
#include "core/pipeline/session.h"
#include "core/pipeline/stage_items.h"
#include "core/train/stop_signals.h"

namespace gptcore {

class StageProgress;

struct StageContext {
  const PipelineConfig& config;
  const RunOptions& run;
  Session& session;
  FileSystem& files;
  std::filesystem::path run_dir;
  CheckpointStore& store;
  EventBus& bus;
  const StopSignals& signals;
  std::map<std::string, StageItems>& items;
  const MemorySources& memory;

  // Fills the model: from the checkpoint, after comparing settings, or from the seed when null. With `allow_other_model` what
  // has no values of its shape in the checkpoint starts from the seed.
  void load(const Checkpoint* checkpoint, bool allow_other_model);
  // As load(), for a run in progress: dataset, model and items are made anew, too.
  void reload(const Checkpoint& checkpoint);
  // Updates done in all train stages.
  int64_t global_step() const { return saved ? saved->first_step + saved->train.step : 0; }
  bool has_ended(const std::string& stage) const { return std::find(ended.begin(), ended.end(), stage) != ended.end(); }

  std::optional<Checkpoint> resumed = {};  // until its train stage has taken it over
  bool other_model = false;                // than the checkpoint's
  bool other_data = false;                 // than the data then
  std::optional<SavedState> saved = {};    // of the newest checkpoint, read or written
  std::vector<std::string> ended = {};     // train stages that have ended, here or before the checkpoint
  std::string last_checkpoint = {};
  std::vector<JournalEntry> journal = {};  // of the whole run
  Prompts prompts = {};                    // of its sample stages
  std::string resume = "auto";             // what the command says of --resume
  bool only_results = false;               // standard output is for results alone, and has all of them
  std::string result = {};                 // of the stage that has just ended, in words; "" = it has none
};

// Why the files that [[adapter]] tables start from cannot be loaded into the session's model; each error has its table's place.
// Their tokens are compared where tokenizer and dataset are open, and so `knows_tokens`.
std::vector<Error> adapter_file_errors(const PipelineConfig& config, const Session& session, FileSystem& files,
                                       bool knows_tokens);

// Runs what is not done yet, by `progress`, which it keeps up to date. 0, or the exit code of the signal that ended it.
int run_stages(StageContext& context, StageProgress& progress);

// One stage; the model is in session.model. False when a signal ended it.
bool run_stage(StageContext& context, const StageConfig& stage, const TrainOptions& options);
bool run_stage(StageContext& context, const StageConfig& stage, const EvaluateOptions& options);
bool run_stage(StageContext& context, const StageConfig& stage, const SampleOptions& options);
bool run_stage(StageContext& context, const StageConfig& stage, const PrepareOptions& options);

// Whether standard output is a terminal.
bool is_terminal();

}  // namespace gptcore
