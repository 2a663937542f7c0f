// Keeps <run_dir>/progress.json: the stages that measured or sampled, and the result of each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "core/pipeline/saved_settings.h"

namespace gptcore {

class FileSystem;

struct StageResult {
  int64_t step = 0;             // of the model
  std::string text;             // the results as people read them; "" for none
  Settings basis = {};          // result_basis(); empty: not noted by the version that wrote the file
  std::string checkpoint = {};  // that the model came from; "" = none, or not noted by that version
  bool complete = true;         // no evaluator failed
};

class StageProgress {
 public:
  // Reads the file. A file that is absent or damaged has no results.
  StageProgress(FileSystem& files, std::filesystem::path run_dir);
  // Returns the stage's newest result, or null when there is none.
  const StageResult* find(const std::string& stage) const;
  // Sets the stage's result and writes the file. Throws Error(io).
  void mark(const std::string& stage, StageResult result);
  bool empty() const { return done_.empty(); }
  // Returns the results by stage.
  const std::map<std::string, StageResult>& all() const { return done_; }

 private:
  FileSystem& files_;
  std::filesystem::path path_;
  std::map<std::string, StageResult> done_;
};

}  // namespace gptcore
