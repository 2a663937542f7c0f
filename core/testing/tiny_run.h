// Pipelines small enough for a test: one plugin's item in the middle of the built-in ones, on a tiny model and a tiny text.
#pragma once

#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/pipeline/runner.h"
#include "core/plugin/plugin_file.h"
#include "gptcore/registrar.h"

namespace gptcore {

struct TinyPlan {
  std::string file;          // the plugin; "" for none
  std::optional<Kind> kind;  // of `item`; absent: the file is loaded and nothing of it is used
  std::string item;
  Table parameters;  // of the item's table, the core's own keys (`when`, `targets`) included
  int64_t steps = 20;
  Table settings;               // keys of the train stage, over the tiny ones
  std::string resume = "auto";  // auto | never | PATH
};

// The plan's pipeline as a user would write it. `parameters` may name the text by ${GPTCORE_TINY_TEXT}.
std::string tiny_pipeline(const TinyPlan& plan, const std::filesystem::path& folder);

// Writes text and pipeline file into `folder` and loads them, without a search path: built-in plugins are those beside
// libgptcore.so. The run's own folder is <folder>/run. Throws ConfigErrors, or Error from reading the plugin.
RunPlan load_tiny_plan(const TinyPlan& plan, const std::filesystem::path& folder);

// The values of that item's table. Throws Error(internal) when the pipeline does not use it.
Table item_values(const PipelineConfig& config, Kind kind, const std::string& item);

// Writes the tiny text into `folder`; ${GPTCORE_TINY_TEXT} stands for it unless it stands for another that still exists.
std::filesystem::path write_tiny_text(const std::filesystem::path& folder);

// What a user reads of a failure: an Error's line with code and hint, LibTorch's words without its stack trace.
std::string failure_text(const std::exception& failure);

// The file of a plugin that is installed with libgptcore.so. Throws Error(plugin_missing).
std::string built_in_plugin(const std::string& name);

}  // namespace gptcore
