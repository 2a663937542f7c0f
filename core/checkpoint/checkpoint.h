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
  // Throw Error(checkpoint_mismatch) when the checkpoint has no such file.
  std::string text(FileSystem& files, const std::string& file) const;
  SafetensorsFile tensors(FileSystem& files, const std::string& file) const;
};

// A file of those checkpoints that were saved as the best so far; its content means nothing.
inline constexpr const char* kBestMark = "best";

// Which checkpoint of a run; `best` is the newest one where none was marked best.
enum class Pick { latest, best };

// Opens a checkpoint folder, or the picked checkpoint of a run folder, after verifying every byte; changes nothing.
// Throws Error(checkpoint_missing) when there is none, Error(checkpoint_corrupt) naming the damaged file.
Checkpoint open_checkpoint(FileSystem& files, const std::filesystem::path& path, Pick pick = Pick::latest);

// What the user of a run's picked checkpoint is told: "DIR is exported, the best; the newest is of step 200" for "exported".
// "" for the newest one, and where `path` is no run.
std::string told_of_pick(FileSystem& files, const std::filesystem::path& path, const Checkpoint& picked, std::string_view done);

// <run_dir>/ckpt, where step-000001000 and its like are.
std::filesystem::path checkpoint_folder(const std::filesystem::path& run_dir);
std::string step_name(int64_t step);  // "step-000001000"
std::optional<int64_t> parse_step_name(std::string_view name);
// "best-000001000": the best model, where its step was saved again after it was changed.
std::string best_name(int64_t step);
// The step that either name tells.
std::optional<int64_t> parse_checkpoint_name(std::string_view name);
// The steps committed in a checkpoint folder, newest first, not verified; none when there is no such folder.
std::vector<int64_t> list_steps(FileSystem& files, const std::filesystem::path& folder);
// The folder that the hint file LATEST or BEST names; none when the file is absent or holds no such name.
std::optional<std::string> read_hint(FileSystem& files, const std::filesystem::path& folder, std::string_view name);
// Whether a checkpoint's manifest lists it; a damaged manifest marks nothing.
bool is_marked_best(FileSystem& files, const std::filesystem::path& directory);
// The best checkpoint of a checkpoint folder: the newest that has kBestMark, else the one that the hint BEST names. None when
// there is neither. Not verified.
std::optional<std::string> find_best(FileSystem& files, const std::filesystem::path& folder);
// Manifest and every file of a checkpoint folder, verified. Throws as open_checkpoint does.
Checkpoint verify_checkpoint(FileSystem& files, const std::filesystem::path& directory);
// The manifest alone.
CheckpointManifest read_checkpoint_manifest(FileSystem& files, const std::filesystem::path& directory);

}  // namespace gptcore
