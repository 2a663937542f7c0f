// Reads the rows or windows of the documents in a prepared folder.
#pragma once

#include <string>
#include <vector>

#include "../token_splits.h"
#include "core/data/corpus/manifest.h"
#include "packing.h"

namespace gptcore::datasets {

class ShardFolder {
 public:
  // Checks that shards and tokenizer are those of the manifest; a tokenizer that has yet to learn loads what the folder has.
  // Throws Error(data_*), Error(token_out_of_range), Error(conflict) for another tokenizer.
  void open(const std::string& folder, Packing packing, const DatasetContext& context);

  const CorpusManifest& manifest() const { return manifest_; }
  int64_t tokens(Split split) const { return tokens_[static_cast<size_t>(split)].tokens(); }
  int64_t windows(Split split) const;
  void batch(const BatchRequest& request, Batch& out);
  std::string fingerprint() const { return fingerprint_; }

 private:
  void open_split(const std::string& folder, Split split, const DatasetContext& context);
  void stream_batch(const BatchRequest& request, Batch& out);
  void packed_batch(const BatchRequest& request, Batch& out);
  void fill_row(Split split, const std::vector<Piece>& pieces, int64_t* ids, int64_t* targets);
  void fill(Split split, const Piece& piece, int64_t* ids, int64_t* targets);

  CorpusManifest manifest_;
  Packing packing_ = Packing::stream;
  int64_t block_ = 0, limit_ = 0;
  TokenSequence tokens_[2];
  TokenWindows windows_[2];
  PackedRows rows_[2];
  std::string fingerprint_;
  std::vector<uint32_t> piece_;
};

}  // namespace gptcore::datasets
