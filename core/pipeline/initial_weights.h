// The weights that model.init_from names, for a run that starts.
#pragma once

#include <cstdint>
#include <string>

#include "core/config/pipeline_config.h"
#include "core/model/network.h"

namespace gptcore {

class FileSystem;

// Fills the network's own parameters from what [model] names by init_from; returns what was read, in words, or "" when it
// names nothing. Rows of tokens that the source does not have are new_rows(), drawn with `seed`; positions beyond the network's
// block_size are left out. Adapters' parameters are filled where the checkpoint has them. Throws Error at the file when it is
// missing, damaged, or of another model.
std::string load_initial_weights(FileSystem& files, const Section& model, Network& network, uint64_t seed);

// Whether the weights are there and of such a model, without reading them all. Throws what load_initial_weights() throws.
void check_initial_weights(FileSystem& files, const Section& model, Network& network);

}  // namespace gptcore
