// A file system that fails, or dies, at one chosen call.
#pragma once

#include <functional>

#include "core/base/file_system.h"

namespace gptcore {

class FaultFileSystem final : public FileSystem {
 public:
  enum class Fault {
    fail_once,    // the call fails with error_number; a write has by then written half
    fail_onward,  // that call and all later ones
    kill,         // the process dies by SIGKILL
  };

  explicit FaultFileSystem(FileSystem& base) : base_(base) {}
  // Call number `call` (from 1) is to go wrong; the count starts anew.
  void plan(int call, Fault fault, int error_number = 0);
  int calls() const { return calls_; }
  bool struck() const { return struck_; }
  // What the file system says about RENAME_EXCHANGE.
  bool can_exchange = true;
  // False: syncs are counted but not made, which is faster and the same to whoever only dies.
  bool flush = true;

  std::unique_ptr<WritableFile> create(const std::filesystem::path& path) override;
  std::unique_ptr<ReadableFile> open(const std::filesystem::path& path) override;
  std::vector<FileEntry> list(const std::filesystem::path& directory) override;
  FileKind kind(const std::filesystem::path& path) override;
  void make_directory(const std::filesystem::path& path) override;
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  void rename_new(const std::filesystem::path& from, const std::filesystem::path& to) override;
  bool exchange(const std::filesystem::path& a, const std::filesystem::path& b) override;
  void remove_file(const std::filesystem::path& path) override;
  void remove_directory(const std::filesystem::path& path) override;
  void sync_directory(const std::filesystem::path& directory) override;
  uint64_t free_bytes(const std::filesystem::path& directory) override;

  // Counts a call; `first` runs before it fails.
  void step(const std::filesystem::path& path, const std::function<void()>& first = {});

 private:
  FileSystem& base_;
  int call_ = 0, calls_ = 0, error_number_ = 0;
  Fault fault_ = Fault::fail_once;
  bool struck_ = false;
};

}  // namespace gptcore
