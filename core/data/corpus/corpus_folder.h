// A folder of shards while it is being made: complete when it has a manifest, and until then able to go on where it stopped.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/data/corpus/manifest.h"
#include "gptcore/host.h"

namespace gptcore {

class CorpusFolder {
 public:
  // Makes the folder and holds it against other processes for the object's life, waiting for one that is at it. Takes over the
  // finished shards of an interrupted preparation with the same key, up to the first that is not as it was written.
  // Throws Error(run_exists) when the folder holds anything else.
  CorpusFolder(std::filesystem::path folder, CorpusManifest wanted, Host& host);
  CorpusFolder(const CorpusFolder&) = delete;
  CorpusFolder& operator=(const CorpusFolder&) = delete;
  ~CorpusFolder();

  // An earlier preparation came to its end; the manifest is its, and there is nothing to do.
  bool complete() const { return complete_; }
  CorpusManifest& manifest() { return manifest_; }
  // Goes on behind the split's shards. What it finishes is kept at once.
  std::unique_ptr<ShardWriter> writer(Split split);
  // Forgets the shards that were taken over: for what can only be made as a whole.
  void start_over();
  // Makes the folder complete. Throws Error(data_empty), naming `where`, when the training split has no token.
  void publish(const std::string& tokenizer_state, const std::string& where);

 private:
  void lock();
  void take_over();
  void resume();
  bool intact(const ShardInfo& shard) const;
  void save_progress() const;
  [[noreturn]] void refuse(const std::string& why) const;

  std::filesystem::path folder_;
  CorpusManifest manifest_;
  Host& host_;
  int lock_ = -1;
  bool complete_ = false;
};

}  // namespace gptcore
