// A temporary folder with a text and a pipeline that trains a tiny model on it in about a second.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/process.h"

namespace gptcore::test {

// The built program: $GPTCORE_BUILD/bin/gptcore.
std::string program();

class Workspace {
 public:
  Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  std::filesystem::path write(const std::string& name, const std::string& text) const;
  // Puts more keys or tables at the end of tiny.toml's train stage.
  void add_to_train_stage(const std::string& text) const;
  // `gptcore words...`, in this folder.
  Command command(std::vector<std::string> words) const;
  Outcome gptcore(std::vector<std::string> words) const { return run(command(std::move(words))); }
  // `gptcore run tiny.toml words...`
  Command training(const std::vector<std::string>& words = {}) const;
  Outcome train(const std::vector<std::string>& words = {}) const { return run(training(words)); }

 private:
  std::filesystem::path folder_;
};

// The pipeline of tiny.toml: results in out/, updates 1..400, a checkpoint every 50, a log line every 10.
constexpr int kIters = 400;
// Arguments that make it a short one: 20 updates, a checkpoint every 10.
inline const std::vector<std::string> kShort = {"--set", "train.max_iters=20", "--set", "train.eval_interval=10"};

std::string read(const std::filesystem::path& file);
// Lines of metrics.jsonl whose "event" is `event`.
std::vector<nlohmann::json> records(const std::filesystem::path& run_dir, const std::string& event);
// The newest committed checkpoint of a run; throws when there is none.
std::filesystem::path newest_checkpoint(const std::filesystem::path& run_dir);
// The lines of `text` that hold `part`.
std::vector<std::string> lines_with(const std::string& text, const std::string& part);

// "GC102" when the program gave exactly that one error; else all it said, so that a failing comparison shows it.
std::string refusal(const Outcome& outcome);

}  // namespace gptcore::test
