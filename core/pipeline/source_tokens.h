// What this run calls the tokens of the checkpoint that it starts from.
#pragma once

#include <cstdint>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/config/pipeline_config.h"
#include "core/pipeline/session.h"

namespace gptcore {

// For each token of the checkpoint's tokenizer the id that this run's has for the same text, -1 where it has none. Nothing when
// the ids are the same, or when one of both has no tokenizer; and when these are of different kinds, which a warning tells.
std::vector<int64_t> ids_of_source(Session& session, const PipelineConfig& config, FileSystem& files,
                                   const Checkpoint& checkpoint);

}  // namespace gptcore
