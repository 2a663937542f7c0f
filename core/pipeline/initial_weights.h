// The weights that model.init_from names, for a run that starts.
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

// A source's tokens as this run's tokenizer knows them. Rows beyond those of a tokenizer are padding.
struct SourceTokens {
  // This run's id of each token of the source's tokenizer, -1 where it has none; none = not known.
  std::vector<int64_t> ids = {};
  int64_t here = 0;  // how many tokens this run's tokenizer has
};

// What the data's tokens are here.
struct TokensHere {
  std::vector<int32_t> shown = {};  // shown_ids() of the dataset
  // Compares the tokenizers; `source` is null for a folder of Hugging Face. Absent, or not known: rows go by number.
  std::function<SourceTokens(const std::filesystem::path& folder, const Checkpoint* source)> compare = {};
};

// Fills the network's own parameters from what [model] names by init_from; returns what was read, in words, or "" when it
// names nothing. A token keeps its row whatever number it has here and there: the source's numbers are those of its
// vocabulary.json. Rows of tokens that the source does not have are new_rows(), drawn with `seed`; rows of padding
// keep their number; positions beyond the network's block_size are left out. Adapters' parameters are filled where the
// checkpoint has them. Throws Error at the file when it is missing, damaged, or of another model.
std::string load_initial_weights(FileSystem& files, const Section& model, Network& network, const TokensHere& here,
                                 uint64_t seed);

// The text of the folder's vocabulary.json; "" when there is none.
std::string vocabulary_in(FileSystem& files, const std::filesystem::path& folder);

// Whether the weights are there and of such a model, without reading them all; where `here` is given, also whether its tokens
// can have their rows. Throws what load_initial_weights() throws.
void check_initial_weights(FileSystem& files, const Section& model, Network& network, const TokensHere* here);

}  // namespace gptcore
