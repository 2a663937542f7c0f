// A committed checkpoint on disk and how to open one. docs/checkpoint.md describes the folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/manifest.h"
#include "core/checkpoint/safetensors.h"

namespace gptcore {

class FileSystem;

struct Checkpoint {
  std::filesystem::path directory;
  CheckpointManifest manifest;

  int64_t step() const { return manifest.step; }
  bool has(std::string_view file) const { return manifest.find(file) != nullptr; }
  // Read or open a file. Throw Error(checkpoint_mismatch) when the checkpoint does not list it.
  std::string text(FileSystem& files, const std::string& file) const;
  SafetensorsFile tensors(FileSystem& files, const std::string& file) const;
};

// The file that marks a checkpoint as the best when it was saved; its content means nothing.
inline constexpr const char* kBestMark = "best";

// Selects a checkpoint of a run; `best` is the newest one when none was marked best.
enum class Pick { latest, best };

// Opens a checkpoint folder, or the picked checkpoint of a run folder, after verifying every byte; changes nothing. Throws
// Error(checkpoint_missing) when there is none, or Error(checkpoint_corrupt), which names the damaged file.
Checkpoint open_checkpoint(FileSystem& files, const std::filesystem::path& path, Pick pick = Pick::latest);

// Returns a message for the user of a run's picked checkpoint: "DIR is exported, the best; the newest is of step 200" when
// `done` is "exported". Returns "" for the newest one, and when `path` is not a run.
std::string told_of_pick(FileSystem& files, const std::filesystem::path& path, const Checkpoint& picked, std::string_view done);

// Returns <run_dir>/ckpt, which holds step-000001000 and its like.
std::filesystem::path checkpoint_folder(const std::filesystem::path& run_dir);
std::string step_name(int64_t step);  // "step-000001000"
std::optional<int64_t> parse_step_name(std::string_view name);
// Returns "best-000001000", the name of the best checkpoint when its step was saved again after a change of the model.
std::string best_name(int64_t step);
// Returns the step in a name of either form.
std::optional<int64_t> parse_checkpoint_name(std::string_view name);
// Returns the steps committed in a checkpoint folder, newest first, not verified; none when the folder does not exist.
std::vector<int64_t> list_steps(FileSystem& files, const std::filesystem::path& folder);
// Returns the folder name in the hint file LATEST or BEST, or none when the file is absent or holds no such name.
std::optional<std::string> read_hint(FileSystem& files, const std::filesystem::path& folder, std::string_view name);
// Returns whether a checkpoint's manifest lists kBestMark; a damaged manifest marks nothing.
bool is_marked_best(FileSystem& files, const std::filesystem::path& directory);
// Returns the best checkpoint of a checkpoint folder, not verified: the newest that has kBestMark, else the one that the hint
// BEST names, or none when there is neither.
std::optional<std::string> find_best(FileSystem& files, const std::filesystem::path& folder);
// Verifies manifest and every file of a checkpoint folder. Throws as open_checkpoint does.
Checkpoint verify_checkpoint(FileSystem& files, const std::filesystem::path& directory);
// Reads the manifest alone.
CheckpointManifest read_checkpoint_manifest(FileSystem& files, const std::filesystem::path& directory);

}  // namespace gptcore
