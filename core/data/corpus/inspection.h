// Describes a file or folder of tokens, for people.
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
  std::vector<TokenFile> files;            // those of the train split first
};

// Opens a folder with a manifest, a folder with *.bin or *.npy files, or one such file. `raw_width` is the number of bytes per
// id in files without a header; 0 = as files beside them say, else 2 if the ids do not look like 32-bit ones. Throws
// Error(data_*).
TokenFolder open_tokens(const std::filesystem::path& path, int64_t raw_width);

// Returns "llm.c, uint16", "numpy, uint32" or "raw, uint16".
std::string description_of(const TokenFile& file);

// Returns the largest id. Reads everything and compares the SHA-256 of each shard with the manifest's. Throws
// Error(data_corrupt). Calls `progress` with bytes when there is a manifest, else with tokens.
int64_t largest_id(TokenFolder& folder, const std::function<void(int64_t done, int64_t total)>& progress);

}  // namespace gptcore
