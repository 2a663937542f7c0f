// Loads the weights that model.init_from names when a run starts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/config/pipeline_config.h"
#include "core/model/network.h"

namespace gptcore {

class FileSystem;

// The tokens of a source, seen from this run's tokenizer. Rows beyond a tokenizer's tokens are padding.
struct SourceTokens {
  // This run's id of each token of the source's tokenizer, or -1 when it has none; empty = unknown.
  std::vector<int64_t> ids = {};
  int64_t here = 0;  // number of tokens of this run's tokenizer
};

// The meaning of the data's tokens in this run.
struct TokensHere {
  std::vector<int32_t> shown = {};  // shown_ids() of the dataset
  // Compares the tokenizers; `source` is null for a Hugging Face folder. When it is absent, or returns no ids, rows are matched
  // by number.
  std::function<SourceTokens(const std::filesystem::path& folder, const Checkpoint* source)> compare = {};
};

// Fills the network's own parameters from the source that model.init_from names. Returns what was read, in words, or "" when it
// names nothing. A token keeps its row whatever number it has here and there; the source's vocabulary.json tells its numbers.
// Tokens that the source lacks get new_rows(), drawn with `seed`; rows of padding keep their number; positions beyond the
// network's block_size are left out. Adapters' parameters are filled when the checkpoint has them. Throws Error at the file
// when it is missing, damaged, or of another model.
std::string load_initial_weights(FileSystem& files, const Section& model, Network& network, const TokensHere& here,
                                 uint64_t seed);

// Returns the text of the folder's vocabulary.json, or "" when there is none.
std::string vocabulary_in(FileSystem& files, const std::filesystem::path& folder);

// Checks that the weights exist and belong to such a model, without reading them all; with `here`, also that its tokens can
// have their rows. Throws what load_initial_weights() throws.
void check_initial_weights(FileSystem& files, const Section& model, Network& network, const TokensHere* here);

}  // namespace gptcore
