// The tokenizer that a command line names.
#pragma once

#include <string>
#include <vector>

#include "apps/engine/engine.h"
#include "core/config/overrides.h"

namespace gptcore {

inline constexpr const char* kTokenizerDoc =
    "a tokenizer's name, or the folder of a run, of a checkpoint or of a vocabulary: vocab.bpe and encoder.json, "
    "tokenizer.json, "
    "or vocab.json and merges.txt";

// `named` is as kTokenizerDoc says; `parameters` are the tokenizer's own, without "tokenizer.". Throws the errors of loading a
// pipeline and opening a checkpoint.
TokenizerChoice choose_tokenizer(const std::string& named, const std::vector<Override>& parameters,
                                 const std::vector<std::string>& plugin_files);

}  // namespace gptcore
