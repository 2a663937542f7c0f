// A folder for the files of one test, removed with the object.
#pragma once

#include <filesystem>

namespace gptcore {

class ScratchFolder {
 public:
  // Makes it in the folder TMPDIR, else in memory when there is room, else in the system's folder for temporary files. Throws
  // Error(io).
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace gptcore
