// A folder of shards while it is being made: complete when it has a manifest and all that this lists, and until then able to go
// on where it stopped.
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
  // Makes the folder and holds it against other processes for the object's life, waiting for one that is at it. Takes over the
  // finished shards of a preparation with the same key, up to the first that is not as it was written; those of a complete one
  // are compared by size, with `verify` by SHA-256. Of an interrupted one that differs in its inputs' content alone nothing
  // is taken over, which is told. Throws Error(run_exists) when the folder holds anything else.
  CorpusFolder(std::filesystem::path folder, CorpusManifest wanted, Host& host, bool verify = false);
  CorpusFolder(const CorpusFolder&) = delete;
  CorpusFolder& operator=(const CorpusFolder&) = delete;

  // An earlier preparation came to its end and is undamaged; the manifest is its, and there is nothing to do.
  bool complete() const { return complete_; }
  CorpusManifest& manifest() { return manifest_; }
  // Goes on behind the split's shards. What it finishes is kept at once.
  std::unique_ptr<ShardWriter> writer(Split split);
  // Forgets the shards that were taken over: for what can only be made as a whole.
  void start_over();
  // Writes what the tokenizer has learned, if anything, where the folder does not hold it.
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
