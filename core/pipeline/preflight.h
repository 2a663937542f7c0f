// What would end a run late, or without a place, though it can be known before anything is computed. `config check` and the
// start of a run find the same.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/config/pipeline_config.h"
#include "core/pipeline/session.h"
#include "gptcore/error.h"

namespace gptcore {

// The texts that samples start with, by the stage's name.
using Prompts = std::map<std::string, std::string>;

// The error at `place`; the place that it named before stands in its message.
Error placed(const Error& error, const std::string& place);
// Throws the error, or ConfigErrors with all of them; returns when there is none.
void throw_if_any(std::vector<Error> errors);

// Throws Error(out_of_range) where run.device was given, when this machine has no such device.
void require_device(const Section& run);

// What the loaded plugins alone can tell: rules over several keys of a table, folders that cannot be written to, prompts that
// cannot be read. Those that can go to `prompts`; standard input is read only with `reads_stdin`.
std::vector<Error> pipeline_errors(const PipelineConfig& config, const PluginSet& plugins, bool reads_stdin, Prompts& prompts);

// What the stages lack: a tokenizer to sample with, splits to train on and to evaluate, tokens of prompts, a batch of
// tokens_per_step. What is not open in the session is not looked at.
std::vector<Error> stage_errors(const PipelineConfig& config, Session& session, const Prompts& prompts);

}  // namespace gptcore
