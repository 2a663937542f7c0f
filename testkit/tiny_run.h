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
  Table settings;               // keys of the train stage that replace the tiny ones
  std::string resume = "auto";  // auto | never | PATH
};

// Returns the plan's pipeline as a user would write it. `parameters` may name the text by ${GPTCORE_TINY_TEXT}.
std::string tiny_pipeline(const TinyPlan& plan, const std::filesystem::path& folder);

// Writes text and pipeline file into `folder` and loads them, without a search path: built-in plugins are those beside
// libgptcore.so. The run's own folder is <folder>/run. Throws ConfigErrors, or Error from reading the plugin.
RunPlan load_tiny_plan(const TinyPlan& plan, const std::filesystem::path& folder);

// Returns the values of that item's table. Throws Error(internal) when the pipeline does not use the item.
Table item_values(const PipelineConfig& config, Kind kind, const std::string& item);

// Writes the tiny text into `folder` and returns its path. Sets ${GPTCORE_TINY_TEXT} to it unless that names another file that
// still exists.
std::filesystem::path write_tiny_text(const std::filesystem::path& folder);

// Returns a failure as a user reads it: an Error's line with code and hint, LibTorch's message without its stack trace.
std::string failure_text(const std::exception& failure);

// Returns the file of a plugin that is installed with libgptcore.so. Throws Error(plugin_missing).
std::string built_in_plugin(const std::string& name);

}  // namespace gptcore
