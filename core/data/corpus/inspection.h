// What a file or folder of tokens holds, for people.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/data/corpus/manifest.h"
#include "core/data/corpus/token_file.h"

namespace gptcore {

struct TokenFolder {
  std::optional<CorpusManifest> manifest;  // of a folder that gptcore has made
  std::vector<TokenFile> files;            // of the train split first
};

// `path` names a folder with a manifest, or with *.bin or *.npy files, or one such file. `raw_width`: bytes of ids that no
// header describes; 0 = as what stands beside the files says, else 2 unless they look otherwise. Throws Error(data_*).
TokenFolder open_tokens(const std::filesystem::path& path, int64_t raw_width);

// "llm.c, uint16", "numpy, uint32", "raw, uint16".
std::string description_of(const TokenFile& file);

// Reads everything: compares the SHA-256 of each shard with the manifest's, and looks for the largest id. Throws
// Error(data_corrupt). `progress` is told of tokens.
int64_t largest_id(TokenFolder& folder, const std::function<void(int64_t done, int64_t total)>& progress);

}  // namespace gptcore
