#include "core/checkpoint/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <map>
#include <string>
#include <utility>

#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

std::string own_description() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::string boot_id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot_id);
  const std::time_t now = std::time(nullptr);  // for people only
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> since{};
  std::strftime(since.data(), since.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return "pid " + std::to_string(::getpid()) + "\nhost " + host.data() + "\nboot_id " + boot_id + "\nsince " + since.data() +
         "\n";
}

// Returns "by pid 12 on host h since 2026-01-31T10:00:00Z", from the lock file of another process.
std::string holder(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::map<std::string, std::string> facts;
  for (std::string key, value; file >> key >> value;) facts[key] = value;
  if (!facts.contains("pid")) return "by another process";
  return "by pid " + facts["pid"] + " on host " + facts["host"] + " since " + facts["since"];
}

void describe(int fd, const std::filesystem::path& path) {
  const std::string text = own_description();
  const bool written =
      ::ftruncate(fd, 0) == 0 && ::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (!written) throw_file_error(errno, "write", path);
}

int take_lock(const std::filesystem::path& run_dir) {
  const auto path = run_dir / "run.lock";
  // The file is never removed: a process that has opened a removed file would hold a lock that nobody else sees.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) throw_file_error(errno, "open", path);
  try {
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) throw_file_error(errno, "lock", path);
      throw Error(Code::run_locked, "the run folder is locked " + holder(path),
                  "wait for that run to end, or give this one another run.name", run_dir.string());
    }
    describe(fd, path);
  } catch (...) {
    ::close(fd);
    throw;
  }
  return fd;
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& run_dir) : fd_(take_lock(run_dir)) {}

RunLock::RunLock(RunLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

RunLock& RunLock::operator=(RunLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

RunLock::~RunLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace gptcore
