#include "shard_folder.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "../prepared_tokenizer.h"
#include "core/base/hash.h"
#include "core/data/corpus/source_files.h"

namespace gptcore::datasets {
namespace {

namespace fs = std::filesystem;

// Returns the starts of the documents in the split, from the shards' .docs files; the first is always 0.
std::vector<int64_t> document_starts(const fs::path& folder, const std::vector<ShardInfo>& shards) {
  std::vector<int64_t> out;
  int64_t before = 0;
  for (const ShardInfo& shard : shards) {
    const fs::path path = (folder / shard.name).replace_extension(".docs");
    const std::string bytes = read_file(path.string());
    if (bytes.size() != static_cast<size_t>(shard.documents) * sizeof(uint64_t) || sha256_hex(bytes) != shard.documents_sha256)
      throw Error(Code::data_corrupt, "the list of documents is not as the manifest says", repair_hint(folder), path.string());
    for (size_t at = 0; at < bytes.size(); at += sizeof(uint64_t)) {
      uint64_t start = 0;
      std::memcpy(&start, bytes.data() + at, sizeof start);
      out.push_back(before + static_cast<int64_t>(start));
    }
    before += shard.tokens;
  }
  return out;
}

// Return an id as a batch shows it, and as a target.
int64_t shown(uint32_t id) {
  return id & ~kContextFlag;
}
int64_t target(uint32_t id) {
  return id & kContextFlag ? -1 : static_cast<int64_t>(id);
}

}  // namespace

void ShardFolder::open(const std::string& folder, Packing packing, const DatasetContext& context) {
  manifest_ = read_manifest(fs::path(folder) / kCorpusManifestFile);
  if (manifest_.shards.format != ShardFormat::gptcore)
    throw Error(
        Code::data_corrupt, "was prepared in the format " + std::string(name_of(manifest_.shards.format)),
        manifest_.shards.format == ShardFormat::npy ? "read it with use = \"npy_shards\"" : "read it with use = \"token_bin\"",
        folder);
  require_tokenizer(manifest_, folder, context);
  packing_ = packing;
  block_ = context.block_size;
  limit_ = context.vocab_limit > 0 ? std::min(manifest_.vocab_size, context.vocab_limit) : manifest_.vocab_size;
  if (manifest_.max_id() >= limit_)
    throw Error(Code::token_out_of_range,
                "the corpus holds the id " + std::to_string(manifest_.max_id()) +
                    ", which is not below the vocabulary's size " + std::to_string(limit_),
                "model.vocab_size must be at least " + std::to_string(manifest_.max_id() + 1), folder);
  std::string content;
  for (const Split split : {Split::train, Split::val}) {
    open_split(folder, split, context);
    for (const ShardInfo& shard : manifest_.splits[static_cast<size_t>(split)])
      content += name_of(split) + (" " + shard.sha256 + shard.documents_sha256 + "\n");
  }
  fingerprint_ = sha256_hex(content).substr(0, 16);
}

void ShardFolder::open_split(const std::string& folder, Split split, const DatasetContext& context) {
  const auto s = static_cast<size_t>(split);
  std::vector<TokenFile> files;
  for (const ShardInfo& shard : manifest_.splits[s]) {
    files.emplace_back(fs::path(folder) / shard.name, TokenFormat::raw, manifest_.shards.width);
    if (files.back().tokens() != shard.tokens)
      throw Error(Code::data_corrupt,
                  "the shard holds " + std::to_string(files.back().tokens()) + " ids, the manifest says " +
                      std::to_string(shard.tokens),
                  repair_hint(folder), files.back().path());
  }
  tokens_[s] = TokenSequence(std::move(files), repair_hint(folder));
  if (packing_ == Packing::stream)
    windows_[s] = {tokens_[s].tokens(), block_, context.seed, split, folder, "give more documents or a smaller block_size"};
  else
    rows_[s] = {
        document_starts(folder, manifest_.splits[s]), tokens_[s].tokens(), block_, context.seed, split, packing_, folder};
}

int64_t ShardFolder::windows(Split split) const {
  const auto s = static_cast<size_t>(split);
  return packing_ == Packing::stream ? windows_[s].windows() : rows_[s].rows();
}

void ShardFolder::batch(const BatchRequest& request, Batch& out) {
  packing_ == Packing::stream ? stream_batch(request, out) : packed_batch(request, out);
}

void ShardFolder::stream_batch(const BatchRequest& request, Batch& out) {
  const auto s = static_cast<size_t>(request.split);
  windows_[s].batch(request, out, [&](int64_t first, std::span<int64_t> to) {
    piece_.resize(to.size());
    tokens_[s].read(first, piece_, limit_, manifest_.shards.flag);
    for (size_t i = 0; i < to.size(); ++i) to[i] = piece_[i];
  });
  if (manifest_.shards.flag == 0) return;
  const std::span<int64_t> ids(out.ids.mutable_data_ptr<int64_t>(), static_cast<size_t>(out.ids.numel()));
  const std::span<int64_t> targets(out.targets.mutable_data_ptr<int64_t>(), ids.size());
  for (int64_t& id : ids) id = shown(static_cast<uint32_t>(id));
  for (int64_t& id : targets)
    if (id >= 0) id = target(static_cast<uint32_t>(id));
}

void ShardFolder::packed_batch(const BatchRequest& request, Batch& out) {
  const PackedRows& rows = rows_[static_cast<size_t>(request.split)];
  const bool beyond = request.order == Order::sequential && request.first_sample + request.count > rows.rows();
  if (rows.rows() == 0 || request.first_sample < 0 || request.count < 1 || beyond)
    throw Error(Code::internal, "sample " + std::to_string(request.first_sample) + " of the " + name_of(request.split) +
                                    " split was asked for, which has " + std::to_string(rows.rows()) + " rows");
  out.ids = at::empty({request.count, block_}, at::kLong);
  out.targets = at::empty({request.count, block_}, at::kLong);
  int64_t* ids = out.ids.mutable_data_ptr<int64_t>();
  int64_t* targets = out.targets.mutable_data_ptr<int64_t>();
  for (int64_t b = 0; b < request.count; ++b, ids += block_, targets += block_) {
    // A shuffled row that predicts nothing, as inside a long prompt, is skipped for the next row that predicts something.
    int64_t row = rows.row_of(request.order, request.first_sample + b);
    for (int64_t tries = 0; tries < rows.rows(); ++tries, row = (row + 1) % rows.rows()) {
      fill_row(request.split, rows.row(row), ids, targets);
      const bool predicts = std::any_of(targets, targets + block_, [](int64_t id) { return id >= 0; });
      if (predicts || request.order == Order::sequential) break;
    }
  }
}

void ShardFolder::fill_row(Split split, const std::vector<Piece>& pieces, int64_t* ids, int64_t* targets) {
  std::fill_n(ids, block_, 0);
  std::fill_n(targets, block_, -1);
  for (const Piece& piece : pieces) {
    fill(split, piece, ids, targets);
    ids += piece.length;
    targets += piece.length;
  }
}

void ShardFolder::fill(Split split, const Piece& piece, int64_t* ids, int64_t* targets) {
  piece_.resize(static_cast<size_t>(piece.length) + 1);
  tokens_[static_cast<size_t>(split)].read(piece.start, piece_, limit_, manifest_.shards.flag);
  for (size_t i = 0; i + 1 < piece_.size(); ++i) {
    ids[i] = shown(piece_[i]);
    targets[i] = target(piece_[i + 1]);
  }
}

}  // namespace gptcore::datasets
