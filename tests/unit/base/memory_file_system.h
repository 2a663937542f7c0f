// A file system in memory that knows what would survive a power loss: of a file, its content at the last sync; of a folder,
// its entries at the last sync_directory. Paths are absolute.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>

#include "core/base/file_system.h"

namespace gptcore {

class MemoryFileSystem final : public FileSystem {
 public:
  MemoryFileSystem();
  ~MemoryFileSystem() override;

  // What a machine finds after losing power now. Without `random`, all that was not synced is gone; with it, each change
  // of a folder's entries and of a file's content may have reached the disk or not, on its own, content also by half.
  std::unique_ptr<MemoryFileSystem> after_power_loss(std::mt19937* random = nullptr) const;
  // Called before every sync and sync_directory.
  std::function<void()> before_sync;
  uint64_t free = uint64_t{1} << 40;

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

  struct Node;
  using NodePtr = std::shared_ptr<Node>;

 private:
  NodePtr find(const std::filesystem::path& path) const;
  NodePtr folder_of(const std::filesystem::path& path) const;
  NodePtr root_;
};

}  // namespace gptcore
