// Writes the ids of one split into shards of equal size. A shard has its own name only when it is complete and on the disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/data/corpus/token_layout.h"
#include "gptcore/token_windows.h"

namespace gptcore {

// The layout of a folder of token files.
enum class ShardFormat {
  gptcore,  // train_000000.bin of raw ids and train_000000.docs of the documents' starts
  nanogpt,  // train.bin, raw
  llmc,     // train_000000.bin with llm.c's header
  npy,      // train_000000.npy
};

struct ShardOptions {
  ShardFormat format = ShardFormat::gptcore;
  int64_t width = 2;  // bytes of an id
  int64_t tokens_per_shard = 100'000'000;
  uint32_t flag = 0;  // this bit of an id is not part of its value
};

// Returns the format of that name. Throws Error(usage) for another name.
ShardFormat shard_format(const std::string& name);
const char* name_of(ShardFormat format);
// Returns the number of bytes before the ids in a file of that format.
uint64_t header_bytes(ShardFormat format);

struct ShardInfo {
  std::string name;                   // of its file
  int64_t tokens = 0, documents = 0;  // documents that start in it
  int64_t max_id = 0;
  std::string sha256;            // of its file
  std::string documents_sha256;  // of the .docs file beside it; "" when there is none
  // The shard's end in the input: up to here the shards hold all documents before next_document, and next_token ids of it.
  int64_t next_document = 0, next_token = 0;
};

class ShardWriter {
 public:
  // Continues after `done`, the shards that exist. Calls `finished` with each further shard.
  ShardWriter(const std::filesystem::path& folder, Split split, const ShardOptions& options, std::vector<ShardInfo> done,
              std::function<void(const ShardInfo&)> finished);
  // Closes and removes an unfinished shard.
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  // Adds the ids of the input's document `number`, except those that the shards in `done` hold. Numbers must ascend.
  void add(int64_t number, std::span<const uint32_t> ids);
  // Adds the next ids of the split. `starts`: a document starts with the first of them; it may continue in later calls.
  void add_piece(std::span<const uint32_t> ids, bool starts);
  // Ends the last shard. Call it once.
  void finish();

  const std::vector<ShardInfo>& shards() const { return shards_; }
  // Returns the first document of which add() takes any ids.
  int64_t next_document() const { return shards_.empty() ? 0 : shards_.back().next_document; }

 private:
  void begin();
  void write(std::span<const uint32_t> ids);
  void flush();
  void end(int64_t next_document, int64_t next_token);
  std::string shard_name(const char* ending) const;

  std::filesystem::path folder_;
  Split split_;
  ShardOptions options_;
  std::vector<ShardInfo> shards_;
  std::function<void(const ShardInfo&)> finished_;
  int64_t tokens_ = 0;  // in the open shard
  uint32_t max_id_ = 0;
  int64_t document_ = 0, used_ = 0;  // the document being written, and how many of its ids are written
  int64_t resume_token_ = 0;         // used_ of the document in which the shards of `done` end
  std::vector<uint64_t> starts_;     // of documents, in the open shard
  std::string buffer_;
  int file_ = -1;
};

}  // namespace gptcore
