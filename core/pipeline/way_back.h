// Finds what is left of a run whose model computes no numbers any more.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace gptcore {

class FileSystem;
struct RunOptions;

// Returns the text quoted so that a POSIX shell reads it as one word.
std::string shell_word(const std::string& text);

// Returns the best checkpoint in a run's checkpoint folder, else the newest one, that is whole and whose weights and val loss
// are finite.
std::optional<std::filesystem::path> sound_checkpoint(FileSystem& files, const std::filesystem::path& folder);

// Returns the options that start another run from the checkpoint: "--run.name=tiny-2 and --resume runs/tiny/ckpt/..."
std::string as_another_run(FileSystem& files, const RunOptions& run, const std::filesystem::path& run_dir,
                           const std::filesystem::path& checkpoint, const std::string& resume);

// Returns the hint for such a run: how to continue from its sound_checkpoint() as another run, since the run has newer ones, or
// how to start anew when there is none. `resume` is the command's --resume: "auto", "never" or a path.
std::string way_back(FileSystem& files, const RunOptions& run, const std::filesystem::path& run_dir, const std::string& resume);

}  // namespace gptcore
