// Completes the state of a checkpoint that an older version wrote: derives from its other fields what it does not store.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace gptcore {

class FileSystem;
struct Checkpoint;
struct SavedState;

// `state` holds the fields that `json`, the content of state.json, has. A state of the present version is left as it is. Throws
// nlohmann's exceptions when a field is missing that the older format has.
void complete_older(const nlohmann::ordered_json& json, SavedState& state);
// Derives which train stages had ended from the checkpoint's own pipeline, and which windows the best val loss was measured on
// from the settings.
void complete_older(SavedState& state, FileSystem& files, const Checkpoint& checkpoint);

}  // namespace gptcore
