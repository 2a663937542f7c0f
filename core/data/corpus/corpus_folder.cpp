#include "core/data/corpus/corpus_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {

namespace fs = std::filesystem;

CorpusFolder::CorpusFolder(fs::path folder, CorpusManifest wanted, Host& host)
    : folder_(std::move(folder)), manifest_(std::move(wanted)), host_(host) {
  make_directories(*posix_file_system(), folder_);
  lock();
  try {
    complete_ = fs::exists(folder_ / kCorpusManifestFile);
    if (complete_)
      take_over();
    else
      resume();
  } catch (...) {
    ::close(lock_);
    throw;
  }
}

CorpusFolder::~CorpusFolder() {
  ::close(lock_);
}

void CorpusFolder::lock() {
  const fs::path path = folder_ / "lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) throw_file_error(errno, "create", path);
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return;
  host_.log(Level::info, "another process prepares " + folder_.string() + "; waiting for it");
  while (::flock(lock_, LOCK_EX) != 0)
    if (errno != EINTR) {
      const int reason = errno;
      ::close(lock_);
      throw_file_error(reason, "lock", path);
    }
}

void CorpusFolder::refuse(const std::string& why) const {
  throw Error(Code::run_exists, "the folder is in use: " + why, "name another folder, or remove this one", folder_.string());
}

void CorpusFolder::take_over() {
  CorpusManifest found = read_manifest(folder_ / kCorpusManifestFile);
  if (found.key != manifest_.key) refuse("it was prepared from other inputs or with other options");
  manifest_ = std::move(found);
}

void CorpusFolder::resume() {
  const fs::path progress = folder_ / kCorpusProgressFile;
  if (!fs::exists(progress)) {
    for (const auto& entry : fs::directory_iterator(folder_))
      if (const auto ending = entry.path().extension(); ending == ".bin" || ending == ".npy")
        refuse("it holds " + entry.path().filename().string());
    return save_progress();
  }
  const CorpusManifest before = read_manifest(progress);
  if (before.key != manifest_.key) refuse("other inputs or options were being prepared there");
  int64_t kept = 0;
  for (size_t s = 0; s < 2; ++s)
    for (const ShardInfo& shard : before.splits[s]) {
      if (!intact(shard)) break;
      manifest_.splits[s].push_back(shard);
      ++kept;
    }
  if (kept > 0) host_.log(Level::info, folder_.string() + ": going on after " + std::to_string(kept) + " finished shards");
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

void CorpusFolder::publish(const std::string& tokenizer_state, const std::string& where) {
  if (manifest_.tokens(Split::train) == 0)
    throw Error(Code::data_empty, "no document of the training split has a token", "check the files and val_fraction", where);
  for (const auto& entry : fs::directory_iterator(folder_))
    if (entry.path().extension() == ".tmp") fs::remove(entry.path());
  const auto files = posix_file_system();
  if (!tokenizer_state.empty()) write_file_atomically(*files, folder_ / kTokenizerStateFile, tokenizer_state);
  write_file_atomically(*files, folder_ / kCorpusManifestFile, manifest_.to_json());
  files->remove_file(folder_ / kCorpusProgressFile);
}

}  // namespace gptcore
