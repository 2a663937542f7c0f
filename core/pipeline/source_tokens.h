// What this run calls the tokens of the model that it starts from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/config/pipeline_config.h"
#include "core/pipeline/initial_weights.h"
#include "core/pipeline/session.h"

namespace gptcore {

// For each token of `there` the id that `here` has for the same one, -1 where it has none. Tokens are told apart by their
// pieces where both are lists of pieces, else by their texts; a text of several tokens stands for them only where both have it
// by the same ids.
std::vector<int64_t> ids_by_text(Tokenizer& there, Tokenizer& here);

// The tokens of the checkpoint's tokenizer or, where that is null, of the Hugging Face folder's. They are not known when this
// run or the checkpoint has no tokenizer; nor, which a warning tells, when both cannot be compared.
SourceTokens tokens_of_source(Session& session, const PipelineConfig& config, FileSystem& files,
                              const std::filesystem::path& folder, const Checkpoint* checkpoint);

// Differs where a row of the same number is of another token: of the tokenizer (null = none) and the ids that the dataset
// shows. "" when there is neither.
std::string tokens_hash(const Tokenizer* tokenizer, const std::vector<int32_t>& shown);

}  // namespace gptcore
