// One process writes in a run folder at a time. The lock goes with the process, however that ends.
#pragma once

#include <filesystem>

namespace gptcore {

class RunLock {
 public:
  // Takes `run_dir`/run.lock, which says who holds it. Throws Error(run_locked) with that when another process does,
  // Error(io) when the file system cannot lock.
  explicit RunLock(const std::filesystem::path& run_dir);
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&& other) noexcept;
  ~RunLock();

 private:
  int fd_ = -1;
};

}  // namespace gptcore
