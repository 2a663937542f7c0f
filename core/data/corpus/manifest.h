// Reads and writes manifest.json, which lists the content of a folder of token files and what they were made from. It is
// written last, so a folder that has one is complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/data/corpus/shard_writer.h"

namespace gptcore {

inline constexpr const char* kCorpusManifestFile = "manifest.json";
inline constexpr const char* kCorpusProgressFile = "progress.json";  // the same while the folder is made
inline constexpr const char* kTokenizerStateFile = "tokenizer.bin";  // Tokenizer::save(), when it has a state
inline constexpr uint32_t kContextFlag = uint32_t{1} << 31;          // marks an id that is shown but not predicted

struct CorpusSource {
  std::string file;  // without its folder
  int64_t bytes = 0;
};

struct CorpusManifest {
  std::string key;  // identifies inputs, tokenizer and options: equal keys, equal folders
  ShardOptions shards;
  int64_t vocab_size = 0;
  std::string tokenizer;               // tokenizer_hash()
  std::optional<int64_t> end_of_text;  // the id between documents
  std::string options;                 // other choices, for people
  std::vector<CorpusSource> sources;
  std::vector<ShardInfo> splits[2];  // by Split
  int64_t left_out = 0;              // documents without a token
  int64_t skipped = 0;               // records that could not be used
  std::string first_skipped;         // the first of them: "file:number: why"

  int64_t tokens(Split split) const;
  int64_t documents(Split split) const;
  int64_t max_id() const;
  std::string to_json() const;
};

// Throws Error(data_corrupt), which names the file, when it is invalid, and Error(data_missing) when there is none.
CorpusManifest read_manifest(const std::filesystem::path& file);
enum class ManifestKind {
  absent,
  ours,        // such a manifest, of the version that this program reads
  other,       // some other JSON
  unreadable,  // not JSON
};
ManifestKind manifest_kind(const std::filesystem::path& file);

// Returns all differences as text: "with tokens_per_shard 100, not 200, and from a.txt of 10 bytes, not 20".
std::string differences(const CorpusManifest& made, const CorpusManifest& wanted);

// Returns the hint for a folder that differs from its manifest.
std::string repair_hint(const std::filesystem::path& folder);

// Compares the size of each shard with the manifest's. Throws Error(data_missing | data_corrupt) for the first that differs.
void check_sizes(const std::filesystem::path& folder, const CorpusManifest& manifest);

// Reads each shard and compares its size and SHA-256; calls `progress` with bytes. Throws Error(data_corrupt) for the first
// damaged shard.
void verify_shards(const std::filesystem::path& folder, const CorpusManifest& manifest,
                   const std::function<void(int64_t done, int64_t total)>& progress);

}  // namespace gptcore
