// Writes and reads a checkpoint's state.json: its counters, losses, settings, structure and journal.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/model/structure.h"
#include "core/pipeline/saved_settings.h"
#include "core/train/train_state.h"

namespace gptcore {

class FileSystem;

struct SavedState {
  std::string stage;       // the train stage that made the checkpoint; "" = gptcore import made it
  int64_t first_step = 0;  // updates of the train stages before it
  TrainState train;
  // Up to format 6: the update at which a parameter's step count started, when that was not 0. Later formats store each
  // parameter's count beside its moments.
  std::optional<std::map<std::string, int64_t>> born = {};
  double loss_scale = 1;  // float16
  int64_t loss_scale_growth = 0;
  int64_t threads = 0;     // CPU threads that computed it; 0 = unknown
  int64_t saves = 0;       // checkpoints that the run had saved, this one included; 0 = unknown
  std::string data;        // the dataset's fingerprint
  int64_t vocab_size = 0;  // the model's, without padding; 0 = unknown
  Structure structure;
  std::vector<JournalEntry> journal;
  Settings settings;
  std::optional<std::vector<std::string>> ended = {};  // train stages that had ended; absent: not noted by that version
  std::optional<Settings> observing_settings = {};     // absent: not noted by that version
  bool operator==(const SavedState&) const = default;  // NaN is not equal to itself
};

std::string format_state(const SavedState& state);
// Throws Error at `where`: (checkpoint_mismatch) when the format is unknown, (checkpoint_corrupt) when the text is invalid.
SavedState parse_state(const std::string& text, const std::string& where);

// Returns the content of the checkpoint's state.json. Throws what parse_state() throws.
SavedState read_state(FileSystem& files, const Checkpoint& checkpoint);
// Throws what read_state() throws, and Error(checkpoint_corrupt) when the header of a tensor file is invalid. Checks no hashes.
void require_readable(FileSystem& files, const Checkpoint& checkpoint);

// Drops the values that operations had set where the pipeline's own value has changed. Returns a line for each.
std::vector<std::string> replace_changed(SavedState& saved, const Settings& now);

}  // namespace gptcore
