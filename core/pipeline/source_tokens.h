// Finds the tokens of the model that this run starts from among this run's tokens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/pipeline/initial_weights.h"
#include "core/pipeline/session.h"

namespace gptcore {

// Returns the argument of load_initial_weights() and its check. The source's tokens are those of the checkpoint's tokenizer, or
// of the tokenizer's files in a Hugging Face folder. They are compared by what they stand for, because the tokenizers may be of
// different kinds, and are unknown when this run has no tokenizer or nothing tells the source's. With `tells`, a log line says
// so, or that most of this run's tokens are not the source's. The comparison throws Error at the folder's tokenizer file when
// it is damaged. Session and files outlive the result.
TokensHere tokens_here(Session& session, FileSystem& files, std::vector<int32_t> shown, bool tells);

// Returns a hash of the tokenizer (null = none) and the ids that the dataset shows. It differs when a row of the same number
// belongs to another token. Returns "" when there is neither.
std::string tokens_hash(const Tokenizer* tokenizer, const std::vector<int32_t>& shown);

}  // namespace gptcore
