#include "core/pipeline/way_back.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>

#include "core/base/file_system.h"
#include "core/checkpoint/checkpoint.h"
#include "core/options/run_options.h"
#include "core/pipeline/run_state.h"
#include "core/pipeline/tensor_files.h"
#include "gptcore/error.h"

namespace gptcore {

std::string shell_word(const std::string& text) {
  const auto is_plain = [](unsigned char c) { return std::isalnum(c) != 0 || std::strchr("_@%+=:,./-", c) != nullptr; };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

namespace {

namespace fs = std::filesystem;

bool is_sound(FileSystem& files, const fs::path& directory) {
  try {
    const Checkpoint checkpoint = verify_checkpoint(files, directory);
    const auto loss = read_state(files, checkpoint).train.val_loss;
    return (!loss || std::isfinite(*loss)) && all_finite(files, checkpoint, "model.safetensors");
  } catch (const Error&) {
    return false;
  }
}

// Returns "--resume PATH" so that the command has the option once.
std::string resume_option(const fs::path& checkpoint, const std::string& resume) {
  const std::string option = "--resume " + shell_word(fs::proximate(checkpoint).string());
  return resume == "auto" ? option : option + " in place of its --resume";
}

// Returns the sound checkpoint of the run that `resume` is, or that it is a checkpoint of.
std::optional<fs::path> sound_source(FileSystem& files, const fs::path& resume) {
  const fs::path path = fs::absolute(resume.has_filename() ? resume : resume.parent_path());
  const bool is_run = files.kind(checkpoint_folder(path)) == FileKind::directory;
  return sound_checkpoint(files, is_run ? checkpoint_folder(path) : path.parent_path());
}

// Returns "--run.name=quickstart-2", the first name whose folder is absent.
std::string another_run(FileSystem& files, const RunOptions& run, const fs::path& run_dir) {
  const bool named = run.out_dir.empty();
  const std::string base = named ? run.name : fs::proximate(run.out_dir).string();
  for (int n = 2;; ++n) {
    const std::string text = base + "-" + std::to_string(n);
    const fs::path folder = named ? run_dir.parent_path() / text : fs::absolute(text);
    if (files.kind(folder) == FileKind::absent) return (named ? "--run.name=" : "--run.out_dir=") + shell_word(text);
  }
}

}  // namespace

std::optional<fs::path> sound_checkpoint(FileSystem& files, const fs::path& folder) {
  if (const auto best = find_best(files, folder); best && is_sound(files, folder / *best)) return folder / *best;
  for (const int64_t step : list_steps(files, folder))
    if (is_sound(files, folder / step_name(step))) return folder / step_name(step);
  return std::nullopt;
}

std::string as_another_run(FileSystem& files, const RunOptions& run, const fs::path& run_dir, const fs::path& checkpoint,
                           const std::string& resume) {
  return another_run(files, run, run_dir) + " and " + resume_option(checkpoint, resume);
}

std::string way_back(FileSystem& files, const RunOptions& run, const fs::path& run_dir, const std::string& resume) {
  if (const auto sound = sound_checkpoint(files, checkpoint_folder(run_dir)))
    return "the model has diverged: lower learning_rate, and give the same command with " +
           as_another_run(files, run, run_dir, *sound, resume);
  if (resume == "auto" || resume == "never")
    return "the model computes no numbers: lower learning_rate, or start from other weights, and give the same command with "
           "--overwrite";
  const std::string advice =
      "the checkpoint that --resume names computes no numbers: lower learning_rate, and give the same "
      "command with --overwrite and ";
  const auto sound = sound_source(files, resume);
  return advice + (sound ? resume_option(*sound, resume) : "without --resume");
}

}  // namespace gptcore
