// <run_dir>/progress.json: the stages that measured or sampled, and what came out of each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "core/pipeline/run_state.h"

namespace gptcore {

struct StageResult {
  int64_t step = 0;             // of the model
  std::string text;             // the results as people read them; "" for none
  Settings basis = {};          // result_basis(); empty where the version that wrote the file did not note it
  std::string checkpoint = {};  // that the model came from; "" for none, or where that version did not note it
  bool complete = true;         // no evaluator failed
};

class StageProgress {
 public:
  // A file that is absent or damaged has no results.
  StageProgress(FileSystem& files, std::filesystem::path run_dir);
  // The stage's newest result; null when there is none.
  const StageResult* find(const std::string& stage) const;
  // Writes the file. Throws Error(io).
  void mark(const std::string& stage, StageResult result);
  bool empty() const { return done_.empty(); }
  // By stage.
  const std::map<std::string, StageResult>& all() const { return done_; }

 private:
  FileSystem& files_;
  std::filesystem::path path_;
  std::map<std::string, StageResult> done_;
};

}  // namespace gptcore
