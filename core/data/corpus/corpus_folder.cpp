#include "core/data/corpus/corpus_folder.h"

#include <utility>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {

namespace fs = std::filesystem;

CorpusFolder::CorpusFolder(fs::path folder, CorpusManifest wanted, Host& host, bool verify)
    : folder_(std::move(folder)), manifest_(std::move(wanted)), host_(host) {
  make_directories(*posix_file_system(), folder_);
  lock_.emplace(folder_, host);
  complete_ = take_over(verify);
  if (!complete_) resume();
}

void CorpusFolder::refuse(const std::string& why) const {
  throw Error(Code::run_exists, "the folder is taken: " + why, "name another folder, or remove this one", folder_.string());
}

// Returns false when something is to be made, or to be made again.
bool CorpusFolder::take_over(bool verify) {
  const fs::path path = folder_ / kCorpusManifestFile;
  const ManifestKind kind = manifest_kind(path);
  if (kind == ManifestKind::absent) return false;
  if (kind == ManifestKind::other) refuse("its " + path.filename().string() + " is of another program");
  try {
    CorpusManifest found = read_manifest(path);
    if (found.key != manifest_.key) refuse("it was prepared " + differences(found, manifest_));
    if (verify)
      verify_shards(folder_, found, [this](int64_t done, int64_t total) {
        host_.progress("verifying " + folder_.filename().string(), done, total, "B");
      });
    else
      check_sizes(folder_, found);
    manifest_ = std::move(found);
    return true;
  } catch (const Error& e) {
    if (e.code() != Code::data_corrupt && e.code() != Code::data_missing) throw;
    host_.log(Level::warning, folder_.string() + " is damaged and is made whole again: " + e.where() + ": " + e.what());
  }
  reopen();
  return false;
}

// Turns a complete folder back into an interrupted preparation.
void CorpusFolder::reopen() {
  const auto files = posix_file_system();
  const fs::path manifest = folder_ / kCorpusManifestFile;
  if (manifest_kind(manifest) == ManifestKind::ours) {
    files->rename(manifest, folder_ / kCorpusProgressFile);
  } else {
    save_progress();
    files->remove_file(manifest);
  }
  files->sync_directory(folder_);
}

// Returns whether the manifests differ only in what the inputs hold, what a tokenizer learned from them, and what was made of
// them.
bool CorpusFolder::same_but_for_content(const CorpusManifest& before) const {
  const auto described = [](CorpusManifest m) {
    m.key.clear();
    m.tokenizer.clear();
    m.vocab_size = m.shards.width = m.left_out = m.skipped = 0;
    m.first_skipped.clear();
    m.end_of_text.reset();
    for (CorpusSource& source : m.sources) source.bytes = 0;
    for (auto& shards : m.splits) shards.clear();
    return m.to_json();
  };
  return described(before) == described(manifest_);
}

void CorpusFolder::resume() {
  const fs::path progress = folder_ / kCorpusProgressFile;
  if (!fs::exists(progress)) {
    for (const auto& entry : fs::directory_iterator(folder_))
      if (const auto ending = entry.path().extension(); ending == ".bin" || ending == ".npy")
        refuse("it holds " + entry.path().filename().string());
    return save_progress();
  }
  CorpusManifest before;
  try {
    before = read_manifest(progress);
  } catch (const Error& e) {
    if (e.code() != Code::data_corrupt) throw;
    host_.log(Level::warning, progress.string() + " cannot be read; the preparation starts over");
    return save_progress();
  }
  if (before.key != manifest_.key) {
    if (!same_but_for_content(before)) refuse("a preparation was interrupted there " + differences(before, manifest_));
    return forget(before);
  }
  int64_t kept = 0;
  for (size_t s = 0; s < 2; ++s)
    for (const ShardInfo& shard : before.splits[s]) {
      if (!intact(shard)) break;
      manifest_.splits[s].push_back(shard);
      ++kept;
    }
  if (kept > 0) host_.log(Level::info, folder_.string() + ": continuing after " + std::to_string(kept) + " finished shards");
}

// Starts over after the inputs were changed.
void CorpusFolder::forget(const CorpusManifest& before) {
  std::string changed = "the data was";
  for (size_t i = before.sources.size(); i-- > 0;)
    if (before.sources[i].bytes != manifest_.sources[i].bytes) changed = before.sources[i].file + " was";
  host_.log(Level::info, folder_.string() + ": " + changed + " changed since the preparation was interrupted; it starts over");
  save_progress();
  for (const auto& shards : before.splits)
    for (const ShardInfo& shard : shards)
      for (const fs::path& file : {folder_ / shard.name, (folder_ / shard.name).replace_extension(".docs")}) fs::remove(file);
}

bool CorpusFolder::intact(const ShardInfo& shard) const {
  CorpusManifest one = manifest_;
  one.splits[0] = {shard};
  one.splits[1].clear();
  try {
    verify_shards(folder_, one, {});
    return true;
  } catch (const Error& e) {
    host_.log(Level::warning, e.line() + "; it is made again");
    return false;
  }
}

void CorpusFolder::save_progress() const {
  write_file_atomically(*posix_file_system(), folder_ / kCorpusProgressFile, manifest_.to_json());
}

std::unique_ptr<ShardWriter> CorpusFolder::writer(Split split) {
  auto& shards = manifest_.splits[static_cast<size_t>(split)];
  return std::make_unique<ShardWriter>(folder_, split, manifest_.shards, shards, [this, &shards](const ShardInfo& shard) {
    shards.push_back(shard);
    save_progress();
  });
}

void CorpusFolder::start_over() {
  for (auto& shards : manifest_.splits) shards.clear();
  save_progress();
}

void CorpusFolder::keep_tokenizer(const std::string& state) const {
  const auto files = posix_file_system();
  const fs::path path = folder_ / kTokenizerStateFile;
  if (state.empty()) return;
  if (files->kind(path) == FileKind::file && files->open(path)->size() == state.size() &&
      read_text(*files, path, state.size()) == state)
    return;
  write_file_atomically(*files, path, state);
}

void CorpusFolder::publish(const std::string& tokenizer_state, const std::string& where) {
  if (manifest_.tokens(Split::train) == 0)
    throw Error(Code::data_empty, "no document of the training split has a token", "check the files and val_fraction", where);
  for (const auto& entry : fs::directory_iterator(folder_))
    if (entry.path().extension() == ".tmp") fs::remove(entry.path());
  const auto files = posix_file_system();
  keep_tokenizer(tokenizer_state);
  write_file_atomically(*files, folder_ / kCorpusManifestFile, manifest_.to_json());
  files->remove_file(folder_ / kCorpusProgressFile);
}

}  // namespace gptcore
