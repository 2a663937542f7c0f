// What this run calls the tokens of the model that it starts from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/pipeline/initial_weights.h"
#include "core/pipeline/session.h"

namespace gptcore {

// For load_initial_weights() and its check. The source's tokens are those of the checkpoint's tokenizer, or of the tokenizer's
// files in a Hugging Face folder, and are compared by what they stand for: the tokenizers may be of different kinds. They are
// not known when this run has no tokenizer, or when nothing tells the source's. Where the session `tells`, a line says so, or
// that most of this run's tokens are not the source's. The comparison throws Error at the folder's tokenizer file when it is
// damaged. Session and files outlive the result.
TokensHere tokens_here(Session& session, FileSystem& files, std::vector<int32_t> shown, bool tells);

// Differs where a row of the same number is of another token: of the tokenizer (null = none) and the ids that the dataset
// shows. "" when there is neither.
std::string tokens_hash(const Tokenizer* tokenizer, const std::vector<int32_t>& shown);

}  // namespace gptcore
