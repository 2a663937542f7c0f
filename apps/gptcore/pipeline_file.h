// A pipeline as the verbs need it: its config is checked against all plugins that can be found, none of which is loaded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config/load.h"

namespace gptcore {

struct Pipeline {
  PipelineConfig config;
  Catalog catalog;
};

// The logger that writes to the terminal, which --quiet leaves out.
inline constexpr const char* kTerminalLogger = "console";

// Gives a pipeline without [[logger]] the terminal's and the metrics file's. Throws ConfigErrors; a plugin that is installed
// but cannot be used only causes a warning on standard error.
Pipeline load_with_plugins(const LoadRequest& request);

}  // namespace gptcore
