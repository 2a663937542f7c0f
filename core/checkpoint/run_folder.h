// What happens to a run's folder before the run starts: is it writable, is another run at work there, does it hold a run
// already, and if so, is that one continued, moved aside or left alone.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/run_lock.h"
#include "core/checkpoint/store.h"

namespace gptcore {

class FileSystem;

// The absolute path without "." and "..", and without a slash at its end.
std::filesystem::path folder_path(const std::filesystem::path& given);
// Whether `path` is the folder or below it, through all links. Neither need be there.
bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder);

// Makes the folder if need be and tries what a checkpoint needs there: write, flush, rename. Throws Error(io) or
// Error(disk_full) with the reason, leaving no folder behind that was not there before.
void prepare_run_folder(FileSystem& files, const std::filesystem::path& run_dir);

// Whether a run left checkpoints in the folder, damaged ones included, or results or metrics alone.
bool holds_run(FileSystem& files, const std::filesystem::path& run_dir);

// Whether the checkpoint `directory` is one that the run saved; through all links.
bool is_saved_by(const std::filesystem::path& directory, const std::filesystem::path& run_dir);

// Renames the folder to <run_dir>.old-N with the first free N from 1; returns that.
std::filesystem::path move_aside(FileSystem& files, const std::filesystem::path& run_dir);

struct RunFolder {
  RunLock lock;                           // hold it as long as the run lasts
  std::optional<Checkpoint> resume_from;  // verified; none = a fresh start
};

// [rank 0] Prepares and locks the folder and decides how the run starts. `resume` is
//   "auto"  continue from the newest whole checkpoint here, or start fresh when there has been none;
//   "never" start fresh;
//   a path  start from that checkpoint, or that run's newest; results and metrics that are here are added to.
// `overwrite` first moves a run that is here aside. Throws Error(run_exists), changing nothing, when going on would write
// over a run that is here; Error(run_locked); whatever prepare_run_folder, open_checkpoint and find_latest throw.
RunFolder open_run_folder(FileSystem& files, const std::filesystem::path& run_dir, const std::string& resume, bool overwrite,
                          const StoreOptions& options = {});

}  // namespace gptcore
