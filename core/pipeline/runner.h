// Runs the stages of a pipeline in its run folder, from the newest checkpoint there, from a given one, or from the start.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/config/pipeline_config.h"
#include "core/device/memory_watch.h"
#include "core/options/run_options.h"

namespace gptcore {

class FileSystem;

struct RunPlan {
  PipelineConfig config;
  std::vector<std::string> plugin_files;
  std::string resume = "auto";  // auto | never | PATH
  bool overwrite = false;
  MemorySources memory = {};
  bool allow_arch_change = false;  // resume even when [model] differs; tensors that fit are kept
  bool quiet = false;              // standard error gets warnings only, no progress
  std::string results_only = {};   // the logger that receives evaluations and samples only
};

// Returns the run folder: out_dir, or runs/<name> under the current folder.
std::filesystem::path run_folder_of(const RunOptions& options);
// Returns whether a run without --resume and --overwrite continues from a checkpoint in its run folder.
bool goes_on(FileSystem& files, const RunOptions& options);

// [rank 0] Returns 0 when every stage is done, or 130 or 75 when a signal ended the run after a checkpoint. Throws Error.
int run_pipeline(const RunPlan& plan);

}  // namespace gptcore
