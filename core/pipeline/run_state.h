// What a checkpoint says besides tensors: state.json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/config/pipeline_config.h"
#include "core/train/trainer.h"

namespace gptcore {

class FileSystem;

// Every setting by path ("train.learning_rate") as TOML text: compared on resume.
using Settings = std::map<std::string, std::string>;
Settings settings_of(const PipelineConfig& config);
// Those of what only looks at the model: evaluators, and the stages that do not train.
Settings observing_settings_of(const PipelineConfig& config);
// The operations of a train stage, in its order.
std::vector<OperationTable> operations_in(const Settings& settings, const std::string& stage);

struct SavedState {
  std::string stage;       // the train stage that the checkpoint was made in; "" = gptcore import made it
  int64_t first_step = 0;  // updates of the train stages before it
  TrainState train;
  // Up to format 6: the update that a parameter's step count started at, where that was not 0. Later formats have the count
  // of each parameter beside its moments.
  std::optional<std::map<std::string, int64_t>> born = {};
  double loss_scale = 1;  // float16
  int64_t loss_scale_growth = 0;
  int64_t threads = 0;     // that computed it; 0 = unknown
  int64_t saves = 0;       // checkpoints that the run had saved with this one; 0 = unknown
  std::string data;        // the dataset's fingerprint
  int64_t vocab_size = 0;  // the model's, padding apart; 0 = unknown
  Structure structure;
  std::vector<JournalEntry> journal;
  Settings settings;
  std::optional<std::vector<std::string>> ended =
      {};                                           // train stages that had ended; absent where that version did not note them
  std::optional<Settings> observing_settings = {};  // absent where the version that saved it did not note them
};

std::string format_state(const SavedState& state);
// Throws Error(checkpoint_corrupt) at `where` when it is not such a text.
SavedState parse_state(const std::string& text, const std::string& where);

// A checkpoint's state.json.
SavedState read_state(FileSystem& files, const Checkpoint& checkpoint);
// Throws Error(checkpoint_corrupt) when state.json or the header of a file of tensors makes no sense, whatever its hash says.
void require_readable(FileSystem& files, const Checkpoint& checkpoint);

// How `now` differs from a checkpoint's settings. Throws Error(checkpoint_mismatch) when the tokenizer is another one, or the
// model unless `allow_other_model`; returns what changes the course of training as lines "key: old -> new", with one for a
// table that only one of them has.
std::vector<std::string> changed_settings(const Settings& saved, const Settings& now, const std::string& checkpoint,
                                          bool allow_other_model = false);
// Settings whose value in the pipeline is another one now lose what operations had set. One line each.
std::vector<std::string> replace_changed(SavedState& saved, const Settings& now);
// Whether they describe models of other shapes.
bool other_model(const Settings& saved, const Settings& now);

}  // namespace gptcore
