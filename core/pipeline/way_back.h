// What is left of a run whose model computes no numbers any more.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace gptcore {

class FileSystem;
struct RunOptions;

// The text as a POSIX shell takes it for that one word.
std::string shell_word(const std::string& text);

// Of a run's checkpoint folder the best checkpoint, else the newest one, that is whole and whose weights and val loss are
// finite.
std::optional<std::filesystem::path> sound_checkpoint(FileSystem& files, const std::filesystem::path& folder);

// The options that make the command start another run from the checkpoint: "--run.name=tiny-2 and --resume runs/tiny/ckpt/..."
std::string as_another_run(FileSystem& files, const RunOptions& run, const std::filesystem::path& run_dir,
                           const std::filesystem::path& checkpoint, const std::string& resume);

// The hint for such a run: how to go on from its sound_checkpoint(), as another run, since it has newer ones; without one, how
// to start anew. `resume` is what the command says of --resume: "auto", "never" or a path.
std::string way_back(FileSystem& files, const RunOptions& run, const std::filesystem::path& run_dir, const std::string& resume);

}  // namespace gptcore
