#include "core/pipeline/prepare.h"

#include <algorithm>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/data/corpus/corpus_folder.h"
#include "core/data/corpus/folder_lock.h"
#include "core/data/corpus/id_width.h"
#include "core/data/corpus/tokenizer_hash.h"
#include "gptcore/draft/preparation.h"

namespace gptcore {
namespace {

constexpr int64_t kWindows = 64;  // read at a time

// Reads the tokens of a split from its sequential windows.
class SplitReader {
 public:
  SplitReader(Dataset& dataset, Split split, const std::string& name)
      : dataset_(dataset), split_(split), name_(name), windows_(dataset.windows(split)) {}

  // Returns the next tokens, or none at the end.
  std::vector<uint32_t> next() {
    std::vector<uint32_t> out;
    if (at_ == windows_) return out;
    Batch batch;
    const int64_t count = std::min(kWindows, windows_ - at_);
    dataset_.batch({split_, Order::sequential, at_, count}, batch);
    const int64_t block = batch.ids.size(1);
    const int64_t* ids = batch.ids.const_data_ptr<int64_t>();
    const int64_t* targets = batch.targets.const_data_ptr<int64_t>();
    for (int64_t w = 0; w < count; ++w, ids += block, targets += block) {
      if (last_ < 0) out.push_back(static_cast<uint32_t>(ids[0]));
      if (last_ >= 0 && ids[0] != last_) refuse();
      int64_t predicted = 0;
      while (predicted < block && targets[predicted] >= 0) out.push_back(static_cast<uint32_t>(targets[predicted++]));
      const bool ends = at_ + w + 1 == windows_;
      if (predicted == 0 || (predicted < block && !ends)) refuse();
      last_ = targets[predicted - 1];
    }
    at_ += count;
    return out;
  }

 private:
  [[noreturn]] void refuse() const {
    throw Error(Code::conflict, "the windows of the dataset \"" + name_ + "\" are not one sequence of tokens",
                "prepare the datasets that it is made of");
  }

  Dataset& dataset_;
  Split split_;
  const std::string& name_;
  int64_t windows_ = 0, at_ = 0, last_ = -1;
};

CorpusManifest manifest_of(const PipelineConfig& config, const Session& session, const PrepareOptions& options) {
  CorpusManifest m;
  m.vocab_size = session.data_vocab_size();
  m.shards.format = shard_format(options.format);
  m.shards.width = m.vocab_size > 65536 ? 4 : 2;
  m.shards.tokens_per_shard = options.tokens_per_shard;
  if (session.tokenizer) m.tokenizer = tokenizer_hash(*session.tokenizer);
  m.options = "dataset " + config.dataset->use;
  m.key = sha256_hex(m.to_json() + session.dataset->fingerprint());
  return m;
}

std::optional<CorpusManifest> write_windows(const PipelineConfig& config, Session& session, const PrepareOptions& options,
                                            const std::filesystem::path& to, const std::function<bool()>& cancelled) {
  if (const ShownVocabulary* shown = shown_vocabulary(session.dataset.get()); shown && !shown->shown_ids().empty())
    throw Error(Code::conflict, "the dataset \"" + config.dataset->use + "\" does not show the tokenizer's own ids",
                "prepare the dataset that it is made of", config.dataset->location.text());
  CorpusFolder folder(to, manifest_of(config, session, options), session.host, options.verify);
  if (folder.complete()) return folder.manifest();
  folder.start_over();
  Dataset& dataset = *session.dataset;
  const int64_t total = dataset.tokens(Split::train) + dataset.tokens(Split::val);
  int64_t done = 0;
  for (const Split split : {Split::train, Split::val}) {
    SplitReader reader(dataset, split, config.dataset->use);
    const auto writer = folder.writer(split);
    bool first = true;
    for (auto ids = reader.next(); !ids.empty(); ids = reader.next(), first = false) {
      if (cancelled && cancelled()) return std::nullopt;
      writer->add_piece(ids, first);
      done += static_cast<int64_t>(ids.size());
      session.host.progress("preparing " + config.dataset->use, done, total, "tok");
    }
    writer->finish();
  }
  folder.publish(session.tokenizer ? session.tokenizer->save() : "", config.dataset->location.text());
  return folder.manifest();
}

std::string tokenizer_table(const Section& tokenizer) {
  std::string out = "[tokenizer]\nuse = " + to_toml(Value(tokenizer.use)) + "\n";
  for (const auto& [key, value] : tokenizer.values)
    if (!value.empty()) out += key + " = " + to_toml(value) + "\n";
  return out;
}

}  // namespace

std::filesystem::path prepared_folder(const PrepareOptions& options, const RunOptions& run) {
  return std::filesystem::absolute(options.out.empty() ? "data/" + run.name : options.out).lexically_normal();
}

std::optional<CorpusManifest> prepare_data(const PipelineConfig& config, Session& session, const PrepareOptions& options,
                                           const std::function<bool()>& cancelled) {
  const auto run = config.run.as<RunOptions>();
  const std::filesystem::path folder = prepared_folder(options, run);
  std::unique_ptr<Dataset> unopened;
  if (!session.dataset) unopened = session.plugins.dataset(config.dataset->use, config.dataset->values);
  Dataset& dataset = unopened ? *unopened : *session.dataset;
  const auto files = posix_file_system();
  std::optional<CorpusManifest> made;
  if (auto* own = extension_of<Preparation>(dataset)) {
    PreparationRequest request;
    request.folder = folder.string();
    request.format = options.format;
    request.tokens_per_shard = options.tokens_per_shard;
    request.threads = options.threads;
    request.tokenizer = session.tokenizer.get();
    request.host = &session.host;
    request.cancelled = cancelled;
    request.verify = options.verify;
    bool done = false;
    throw_if_failed(own->prepare(request, done));
    if (!done) return std::nullopt;
    made = read_manifest(folder / kCorpusManifestFile);
  } else {
    if (unopened) session.open_dataset(config, static_cast<uint64_t>(run.seed), *files, nullptr);
    made = write_windows(config, session, options, folder, cancelled);
    if (!made) return std::nullopt;
  }
  const FolderLock lock(folder, session.host);
  if (made->shards.format != ShardFormat::gptcore)  // readers of other formats know no manifest
    write_file_atomically(*files, folder / kTokenMetaFile, token_meta(made->vocab_size, made->shards.width));
  if (config.tokenizer) write_file_atomically(*files, folder / "tokenizer.toml", tokenizer_table(*config.tokenizer));
  return made;
}

std::string summary_of(const std::filesystem::path& folder, const CorpusManifest& manifest) {
  const size_t files = manifest.splits[0].size() + manifest.splits[1].size();
  return folder.string() + ": " + grouped(manifest.tokens(Split::train)) + " train and " +
         grouped(manifest.tokens(Split::val)) + " val tokens of " + grouped(manifest.vocab_size) + " ids, " +
         std::to_string(files) + (files == 1 ? " file" : " files");
}

}  // namespace gptcore
