// Keeps other processes from writing to a folder of shards.
#pragma once

#include <filesystem>

#include "gptcore/host.h"

namespace gptcore {

class FolderLock {
 public:
  // Takes the folder's lock for the object's life. While another process holds it, logs that to `host` and waits. One process
  // must not take the lock twice. Throws Error(io) when the file `lock` cannot be made there.
  FolderLock(const std::filesystem::path& folder, Host& host);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  int file_ = -1;
};

}  // namespace gptcore
