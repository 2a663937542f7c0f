// Whatever must survive a crash is written through this interface, so that a test can fail, cut off or lose every single
// call. Every failure is an Error(io), or Error(disk_full), naming the path and the system's reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gptcore {

constexpr size_t kPieceBytes = size_t{1} << 20;  // how much is read or written at a time

enum class FileKind { absent, file, directory, other };

struct FileEntry {
  std::string name;
  FileKind kind = FileKind::absent;  // a symbolic link is `other`
  uint64_t size = 0;                 // of a file
};

class WritableFile {
 public:
  // Closes a file that close() was not called on and forgets what went wrong.
  virtual ~WritableFile();
  virtual void write(std::span<const std::byte> bytes) = 0;
  // Returns when the content is on the disk. After a failure give the file up: a second sync may wrongly succeed.
  virtual void sync() = 0;
  virtual void close() = 0;
};

class ReadableFile {
 public:
  virtual ~ReadableFile();
  virtual uint64_t size() const = 0;
  // The number of bytes read: less than out.size() at the end of the file only.
  virtual size_t read_at(uint64_t offset, std::span<std::byte> out) const = 0;
};

class FileSystem {
 public:
  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem();

  // A new, empty file; an existing one is an error, never truncated.
  virtual std::unique_ptr<WritableFile> create(const std::filesystem::path& path) = 0;
  virtual std::unique_ptr<ReadableFile> open(const std::filesystem::path& path) = 0;
  // In the order of names. Does not follow symbolic links.
  virtual std::vector<FileEntry> list(const std::filesystem::path& directory) = 0;
  // Follows symbolic links.
  virtual FileKind kind(const std::filesystem::path& path) = 0;
  virtual void make_directory(const std::filesystem::path& path) = 0;
  // Replaces an existing file `to`.
  virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  // Fails when `to` exists.
  virtual void rename_new(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  // Swaps two existing paths at once. False, with nothing changed, where the file system cannot do that.
  virtual bool exchange(const std::filesystem::path& a, const std::filesystem::path& b) = 0;
  virtual void remove_file(const std::filesystem::path& path) = 0;
  virtual void remove_directory(const std::filesystem::path& path) = 0;
  // Returns when the creations, renames and removals in that directory are on the disk.
  virtual void sync_directory(const std::filesystem::path& directory) = 0;
  // What an ordinary user may still write there, in bytes.
  virtual uint64_t free_bytes(const std::filesystem::path& directory) = 0;
};

// The machine's own. Any thread may use it.
std::unique_ptr<FileSystem> posix_file_system();

// The failure of a system call: "cannot write 'path': No space left on device".
[[noreturn]] void throw_file_error(int error_number, std::string_view action, const std::filesystem::path& path);

std::span<const std::byte> bytes_of(std::string_view text);
// The whole file; Error(io) when it is longer than `limit` bytes.
std::string read_text(FileSystem& files, const std::filesystem::path& path, uint64_t limit);
// Makes the missing folders of `path`, durably, and returns them, the deepest first. On failure none is left behind.
std::vector<std::filesystem::path> make_directories(FileSystem& files, const std::filesystem::path& path);
// Removes empty folders in that order, as far as possible: the way back from make_directories.
void remove_directories(FileSystem& files, const std::vector<std::filesystem::path>& directories) noexcept;
// Removes a folder and all in it; does nothing when there is none.
void remove_tree(FileSystem& files, const std::filesystem::path& directory);

}  // namespace gptcore
