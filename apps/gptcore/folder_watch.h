// Notices when a file of a source folder is written.
#pragma once

#include <filesystem>

namespace gptcore {

class FolderWatch {
 public:
  // Watches the folder and its subfolders, except build folders and hidden ones. Throws Error(io).
  explicit FolderWatch(std::filesystem::path folder);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // Returns some tenths of a second after a file has changed, and at once when one has changed since the last call.
  void wait();

 private:
  void add(const std::filesystem::path& folder);
  bool read_events();

  std::filesystem::path folder_;
  int inotify_ = -1;
};

}  // namespace gptcore
