// How many bytes the ids of token files without a header have: what stands beside the files says it, else the vocabulary's
// size.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/data/corpus/manifest.h"
#include "core/data/corpus/token_file.h"

namespace gptcore {

inline constexpr const char* kTokenMetaFile = "meta.json";  // {"vocab_size": 50257, "dtype": "uint16"}

// What a folder says of the token files in it.
struct TokenNotes {
  std::string meta_file;                   // meta.json's path, "" without one
  int64_t vocab_size = 0, width = 0;       // as meta.json has them; 0 = not said
  std::optional<CorpusManifest> manifest;  // of gptcore prepare

  // Bytes of an id, and the file that says so; 0 and "" when neither does.
  int64_t id_width() const { return width > 0 || !manifest ? width : manifest->shards.width; }
  std::string width_file(const std::filesystem::path& folder) const;
};

// Throws Error(data_corrupt) naming the file that is damaged. A manifest.json of another program is passed over.
TokenNotes token_notes(const std::filesystem::path& folder);

// What meta.json holds for such files.
std::string token_meta(int64_t vocab_size, int64_t width);

// "uint16" for 2 bytes, "uint32" for 4; and back, 0 for any other name.
const char* dtype_of(int64_t width);
int64_t width_of(const std::string& dtype);

// Throws Error(data_corrupt) where 16-bit ids without a header look like the halves of 32-bit ones. `key` is what sets the
// type, as in `dtype = "uint32"`.
void refuse_half_words(TokenFile& file, const std::string& key);
// Throws Error(token_out_of_range) where 32-bit ids without a header, read in some places, are not below `vocab_size`.
void refuse_joined_words(TokenFile& file, int64_t vocab_size, const std::string& key);
// Throws Error(data_corrupt) when the manifest tells another number of ids than the file has.
void require_listed_size(const TokenFile& file, const CorpusManifest& manifest);

}  // namespace gptcore
