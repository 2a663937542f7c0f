// A folder of shards while it is being made. It is complete when it has a manifest and all files that the manifest lists; until
// then, work can continue where it stopped.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/data/corpus/folder_lock.h"
#include "core/data/corpus/manifest.h"
#include "gptcore/host.h"

namespace gptcore {

class CorpusFolder {
 public:
  // Makes the folder and locks it against other processes for the object's life; waits while another process holds the lock.
  // Takes over the finished shards of a preparation with the same key, up to the first damaged one; checks the shards of a
  // complete preparation by size, with `verify` by SHA-256. Takes nothing over from an interrupted preparation that differs
  // only in the content of its inputs, and logs that. Throws Error(run_exists) when the folder holds anything else.
  CorpusFolder(std::filesystem::path folder, CorpusManifest wanted, Host& host, bool verify = false);
  CorpusFolder(const CorpusFolder&) = delete;
  CorpusFolder& operator=(const CorpusFolder&) = delete;

  // Returns whether an earlier preparation has finished and is undamaged. Then manifest() is its manifest, and nothing is left
  // to do.
  bool complete() const { return complete_; }
  CorpusManifest& manifest() { return manifest_; }
  // Returns a writer that continues after the split's shards and records each shard at once.
  std::unique_ptr<ShardWriter> writer(Split split);
  // Forgets the shards that were taken over, for output that can only be made as a whole.
  void start_over();
  // Writes the tokenizer's state, unless it is empty or the folder holds it already.
  void keep_tokenizer(const std::string& state) const;
  // Makes the folder complete. Throws Error(data_empty), naming `where`, when the training split has no token.
  void publish(const std::string& tokenizer_state, const std::string& where);

 private:
  bool take_over(bool verify);
  void reopen();
  void resume();
  bool same_but_for_content(const CorpusManifest& before) const;
  void forget(const CorpusManifest& before);
  bool intact(const ShardInfo& shard) const;
  void save_progress() const;
  [[noreturn]] void refuse(const std::string& why) const;

  std::filesystem::path folder_;
  CorpusManifest manifest_;
  Host& host_;
  std::optional<FolderLock> lock_;
  bool complete_ = false;
};

}  // namespace gptcore
