// Runs the stages of a pipeline: train, evaluate, sample, prepare. Each works on the model as the stages before it left it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/checkpoint/store.h"
#include "core/device/memory_watch.h"
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

  // Fills the model from the checkpoint, after comparing settings. When it is null, fills the model from the seed and from what
  // model.init_from and [[adapter]] tables load. With `allow_other_model`, tensors without values of their shape in the
  // checkpoint start from the seed.
  void load(const Checkpoint* checkpoint, bool allow_other_model);
  // Like load(), for a run in progress. Makes dataset, model and items anew, too.
  void reload(const Checkpoint& checkpoint);
  // Returns the updates done in all train stages.
  int64_t global_step() const { return saved ? saved->first_step + saved->train.step : 0; }
  bool has_ended(const std::string& stage) const { return std::find(ended.begin(), ended.end(), stage) != ended.end(); }

  std::optional<Checkpoint> resumed = {};  // absent once its train stage has taken it over
  bool other_model = false;                // the model differs from the checkpoint's
  bool other_data = false;                 // the data differs from the checkpoint's
  std::optional<SavedState> saved = {};    // of the newest checkpoint, read or written
  std::vector<std::string> ended = {};     // train stages that have ended, here or before the checkpoint
  std::string last_checkpoint = {};
  std::vector<JournalEntry> journal = {};  // of the whole run
  Prompts prompts = {};                    // of the sample stages
  std::string resume = "auto";             // the command's --resume
  bool only_results = false;               // standard output gets all results and nothing else
  std::string result = {};                 // of the stage that has just ended, in words; "" = none
};

// Returns why the files that [[adapter]] tables start from cannot be loaded into the session's model; each error has its
// table's place. Compares their tokens when `knows_tokens`: tokenizer and dataset are open.
std::vector<Error> adapter_file_errors(const PipelineConfig& config, const Session& session, FileSystem& files,
                                       bool knows_tokens);

// Runs the stages that are not done according to `progress`, and keeps it up to date. Returns 0, or the exit code of the signal
// that ended the run.
int run_stages(StageContext& context, StageProgress& progress);

// Runs one stage on session.model. Returns false when a signal ended it.
bool run_stage(StageContext& context, const StageConfig& stage, const TrainOptions& options);
bool run_stage(StageContext& context, const StageConfig& stage, const EvaluateOptions& options);
bool run_stage(StageContext& context, const StageConfig& stage, const SampleOptions& options);
bool run_stage(StageContext& context, const StageConfig& stage, const PrepareOptions& options);

// Returns whether standard output is a terminal.
bool is_terminal();

}  // namespace gptcore
