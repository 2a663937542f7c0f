// gptcore inspect FILE.safetensors | CHECKPOINT | RUN [--json] [--hash]
#pragma once

#include <string>
#include <vector>

#include "apps/gptcore/command_line.h"

namespace gptcore {

// `arguments` are those after the verb. Prints to standard output and returns the exit code: 5 when a checkpoint is damaged.
// Throws Error(usage) for wrong arguments, Error(checkpoint_corrupt) for a malformed file, Error(checkpoint_missing),
// Error(io).
int inspect_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string inspect_help();
VerbOptions inspect_options();

}  // namespace gptcore
