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

// How a folder of token files is laid out.
enum class ShardFormat {
  gptcore,  // train_000000.bin of raw ids and train_000000.docs, where documents start
  nanogpt,  // train.bin, raw
  llmc,     // train_000000.bin with llm.c's header
  npy,      // train_000000.npy
};

struct ShardOptions {
  ShardFormat format = ShardFormat::gptcore;
  int64_t width = 2;  // bytes of an id
  int64_t tokens_per_shard = 100'000'000;
  uint32_t flag = 0;  // a bit of ids that does not count as part of them
};

// The options' format by name; Error(usage) for another one.
ShardFormat shard_format(const std::string& name);
const char* name_of(ShardFormat format);
// What stands before the ids in a file of that format.
uint64_t header_bytes(ShardFormat format);

struct ShardInfo {
  std::string name;                   // of its file
  int64_t tokens = 0, documents = 0;  // documents that start in it
  int64_t max_id = 0;
  std::string sha256;            // of its file
  std::string documents_sha256;  // of the .docs beside it, "" without one
  // Where it ends in the input: all documents before that number are in, and so many ids of that one.
  int64_t next_document = 0, next_token = 0;
};

class ShardWriter {
 public:
  // Goes on behind `done`, the shards that are there. `finished` is told of each one after them.
  ShardWriter(const std::filesystem::path& folder, Split split, const ShardOptions& options, std::vector<ShardInfo> done,
              std::function<void(const ShardInfo&)> finished);
  // Closes and removes an unfinished shard.
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  // The ids of the input's document `number`; those that the shards in `done` have are left out. Numbers ascend.
  void add(int64_t number, std::span<const uint32_t> ids);
  // The next ids of the split, of a document that may go on; it `starts` with the first of them.
  void add_piece(std::span<const uint32_t> ids, bool starts);
  // Ends the last shard. Call it once.
  void finish();

  const std::vector<ShardInfo>& shards() const { return shards_; }
  // The first document that add() takes something of.
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
  int64_t document_ = 0, used_ = 0;  // the document that is written, and how many of its ids are
  int64_t resume_token_ = 0;         // the same of the one that the shards in `done` end in
  std::vector<uint64_t> starts_;     // of documents, in the open shard
  std::string buffer_;
  int file_ = -1;
};

}  // namespace gptcore
