// Lets one process at a time write in a run folder. The lock ends with the process, however that ends.
#pragma once

#include <filesystem>

namespace gptcore {

class RunLock {
 public:
  // Locks `run_dir`/run.lock and writes into it who holds it. Throws Error(run_locked), which names the holder, when another
  // process holds it, Error(io) when the file system cannot lock.
  explicit RunLock(const std::filesystem::path& run_dir);
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&& other) noexcept;
  ~RunLock();

 private:
  int fd_ = -1;
};

}  // namespace gptcore
