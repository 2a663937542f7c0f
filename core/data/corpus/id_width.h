// The width of the ids in token files without a header. A file beside them states it, or it follows from the vocabulary's size.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/data/corpus/manifest.h"
#include "core/data/corpus/token_file.h"

namespace gptcore {

inline constexpr const char* kTokenMetaFile = "meta.json";  // {"vocab_size": 50257, "dtype": "uint16"}

// The facts that a folder states about its token files.
struct TokenNotes {
  std::string meta_file;                   // path of meta.json; "" when there is none
  int64_t vocab_size = 0, width = 0;       // from meta.json; 0 = not stated
  std::optional<CorpusManifest> manifest;  // of gptcore prepare

  // Return the bytes per id and the file that states them; 0 and "" when no file does.
  int64_t id_width() const { return width > 0 || !manifest ? width : manifest->shards.width; }
  std::string width_file(const std::filesystem::path& folder) const;
};

// Throws Error(data_corrupt), which names the damaged file. Ignores a manifest.json of another program.
TokenNotes token_notes(const std::filesystem::path& folder);

// Returns the text of meta.json for such files.
std::string token_meta(int64_t vocab_size, int64_t width);

// Convert between bytes and names: 2 is "uint16", 4 is "uint32". width_of() returns 0 for any other name.
const char* dtype_of(int64_t width);
int64_t width_of(const std::string& dtype);

// Throws Error(data_corrupt) when 16-bit ids without a header look like the halves of 32-bit ids. `key` is the setting of the
// type, as in `dtype = "uint32"`.
void refuse_half_words(TokenFile& file, const std::string& key);
// Reads samples of a file of 32-bit ids. Throws Error(token_out_of_range) when one of them is not below `vocab_size`.
void refuse_joined_words(TokenFile& file, int64_t vocab_size, const std::string& key);
// Throws Error(data_corrupt) when the manifest lists another number of ids for the file than the file has.
void require_listed_size(const TokenFile& file, const CorpusManifest& manifest);

}  // namespace gptcore
