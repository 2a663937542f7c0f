// Completes the state of a checkpoint that an earlier version saved.
#pragma once

#include "core/pipeline/run_state.h"

namespace gptcore {

// Fills in what that version did not note: which train stages had ended, by the checkpoint's own pipeline, and which windows
// the best val loss was measured on, by its settings.
void complete_state(SavedState& saved, FileSystem& files, const Checkpoint& checkpoint);

}  // namespace gptcore
