// Finds before anything is computed what would otherwise end a run late, or without a place. `config check` and the start of a
// run find the same.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/config/pipeline_config.h"
#include "core/pipeline/session.h"
#include "gptcore/error.h"

namespace gptcore {

// The text that samples start with, by the name of their stage.
using Prompts = std::map<std::string, std::string>;

// Returns the error at `place`. The place that it named before moves into its message.
Error placed(const Error& error, const std::string& place);
// Throws the only error, or ConfigErrors with all of them. Returns when there is none.
void throw_if_any(std::vector<Error> errors);

// Throws Error(out_of_range) at run.device when this machine has no such device.
void require_device(const Section& run);

// Returns the errors that need only the loaded plugins: broken rules over several keys of a table, folders that cannot be
// written to, prompts that cannot be read. Puts the other prompts into `prompts`; reads standard input only with `reads_stdin`.
std::vector<Error> pipeline_errors(const PipelineConfig& config, const PluginSet& plugins, bool reads_stdin, Prompts& prompts);

// Returns what the stages lack: a tokenizer to sample with, splits to train on and to evaluate, tokens of prompts, a number of
// batches that makes tokens_per_step. Checks only what is open in the session.
std::vector<Error> stage_errors(const PipelineConfig& config, Session& session, const Prompts& prompts);

}  // namespace gptcore
