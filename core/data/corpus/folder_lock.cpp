#include "core/data/corpus/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {

FolderLock::FolderLock(const std::filesystem::path& folder, Host& host) {
  const std::filesystem::path path = folder / "lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) throw_file_error(errno, "create", path);
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  host.log(Level::info, "another process prepares " + folder.string() + "; waiting for it");
  while (::flock(file_, LOCK_EX) != 0)
    if (errno != EINTR) {
      const int reason = errno;
      ::close(file_);
      throw_file_error(reason, "lock", path);
    }
}

FolderLock::~FolderLock() {
  ::close(file_);
}

}  // namespace gptcore
