// Implements FileSystem by system calls: the standard library hides fsync and does not report a failed close.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Path = std::filesystem::path;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Descriptor open_descriptor(const Path& path, int flags, const char* action) {
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) throw_file_error(errno, action, path);
  return Descriptor(fd);
}

FileKind kind_of(const struct stat& status) {
  if (S_ISREG(status.st_mode)) return FileKind::file;
  return S_ISDIR(status.st_mode) ? FileKind::directory : FileKind::other;
}

class PosixWritableFile final : public WritableFile {
 public:
  explicit PosixWritableFile(const Path& path)
      : path_(path), fd_(open_descriptor(path, O_WRONLY | O_CREAT | O_EXCL, "create")) {}

  void write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw_file_error(errno, "write", path_);
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
  }

  void sync() override {
    if (::fsync(fd_.get()) != 0) throw_file_error(errno, "flush to disk", path_);
  }

  void close() override {
    // Linux closes the descriptor even when a signal interrupts the call.
    if (::close(fd_.release()) != 0 && errno != EINTR) throw_file_error(errno, "close", path_);
  }

 private:
  Path path_;
  Descriptor fd_;
};

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(const Path& path, Descriptor fd, uint64_t size) : path_(path), fd_(std::move(fd)), size_(size) {}

  uint64_t size() const override { return size_; }

  size_t read_at(uint64_t offset, std::span<std::byte> out) const override {
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw_file_error(errno, "read", path_);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

 private:
  Path path_;
  Descriptor fd_;
  uint64_t size_;
};

class PosixFileSystem final : public FileSystem {
 public:
  std::unique_ptr<WritableFile> create(const Path& path) override { return std::make_unique<PosixWritableFile>(path); }

  std::unique_ptr<ReadableFile> open(const Path& path) override {
    Descriptor fd = open_descriptor(path, O_RDONLY | O_NONBLOCK, "open");  // opening a pipe must not block
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) throw_file_error(errno, "open", path);
    if (kind_of(status) != FileKind::file) throw Error(Code::io, "cannot open '" + path.string() + "': not a regular file");
    return std::make_unique<PosixReadableFile>(path, std::move(fd), static_cast<uint64_t>(status.st_size));
  }

  std::vector<FileEntry> list(const Path& directory) override {
    struct Close {
      void operator()(DIR* stream) const { ::closedir(stream); }
    };
    const std::unique_ptr<DIR, Close> stream(::opendir(directory.c_str()));
    if (!stream) throw_file_error(errno, "list", directory);
    std::vector<FileEntry> entries;
    for (;;) {
      errno = 0;
      const dirent* found = ::readdir(stream.get());
      if (!found && errno != 0) throw_file_error(errno, "list", directory);
      if (!found) break;
      const std::string name = found->d_name;
      if (name == "." || name == "..") continue;
      struct stat status {};
      if (::fstatat(::dirfd(stream.get()), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;  // removed since readdir()
        throw_file_error(errno, "access", directory / name);
      }
      entries.push_back({name, kind_of(status), static_cast<uint64_t>(status.st_size)});
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return entries;
  }

  FileKind kind(const Path& path) override {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return kind_of(status);
    if (errno == ENOENT || errno == ENOTDIR) return FileKind::absent;
    throw_file_error(errno, "access", path);
  }

  void make_directory(const Path& path) override {
    if (::mkdir(path.c_str(), 0777) != 0) throw_file_error(errno, "make the folder", path);
  }

  void rename(const Path& from, const Path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) throw_file_error(errno, "rename to", to);
  }

  void rename_new(const Path& from, const Path& to) override {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
    if (errno != EINVAL && errno != ENOSYS) throw_file_error(errno, "rename to", to);
    // This file system lacks RENAME_NOREPLACE. A plain rename would replace a file or an empty folder, but nothing else.
    if (kind(to) != FileKind::absent) throw_file_error(EEXIST, "rename to", to);
    rename(from, to);
  }

  bool exchange(const Path& a, const Path& b) override {
    if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return true;
    if (errno == EINVAL || errno == ENOSYS) return false;
    throw_file_error(errno, "exchange with another", b);
  }

  void remove_file(const Path& path) override {
    if (::unlink(path.c_str()) != 0) throw_file_error(errno, "remove", path);
  }

  void remove_directory(const Path& path) override {
    if (::rmdir(path.c_str()) != 0) throw_file_error(errno, "remove the folder", path);
  }

  void sync_directory(const Path& directory) override {
    const Descriptor fd = open_descriptor(directory, O_RDONLY | O_DIRECTORY, "open the folder");
    if (::fsync(fd.get()) != 0) throw_file_error(errno, "flush to disk", directory);
  }

  uint64_t free_bytes(const Path& directory) override {
    struct statvfs status {};
    if (::statvfs(directory.c_str(), &status) != 0) throw_file_error(errno, "get the free space of", directory);
    return static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
  }
};

}  // namespace

std::unique_ptr<FileSystem> posix_file_system() {
  return std::make_unique<PosixFileSystem>();
}

}  // namespace gptcore
