// All data that must survive a crash is written through this interface, so that a test can make every single call fail,
// truncate it or lose it. Every failure is an Error(io), or Error(disk_full), which names the path and the system's reason.
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

constexpr size_t kPieceBytes = size_t{1} << 20;  // bytes read or written at a time

enum class FileKind { absent, file, directory, other };

struct FileEntry {
  std::string name;
  FileKind kind = FileKind::absent;  // a symbolic link is `other`
  uint64_t size = 0;                 // of a file
};

class WritableFile {
 public:
  // Closes the file unless close() was called, and ignores errors.
  virtual ~WritableFile();
  virtual void write(std::span<const std::byte> bytes) = 0;
  // Returns when the content is on the disk. After a failure the file must be given up: a second sync may wrongly succeed.
  virtual void sync() = 0;
  virtual void close() = 0;
};

class ReadableFile {
 public:
  virtual ~ReadableFile();
  virtual uint64_t size() const = 0;
  // Returns the number of bytes read, which is less than out.size() only at the end of the file.
  virtual size_t read_at(uint64_t offset, std::span<std::byte> out) const = 0;
};

class FileSystem {
 public:
  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem();

  // Creates a new, empty file. An existing one is an error and is never truncated.
  virtual std::unique_ptr<WritableFile> create(const std::filesystem::path& path) = 0;
  virtual std::unique_ptr<ReadableFile> open(const std::filesystem::path& path) = 0;
  // Returns the entries in the order of their names. Does not follow symbolic links.
  virtual std::vector<FileEntry> list(const std::filesystem::path& directory) = 0;
  // Follows symbolic links.
  virtual FileKind kind(const std::filesystem::path& path) = 0;
  virtual void make_directory(const std::filesystem::path& path) = 0;
  // Replaces an existing file `to`.
  virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  // Fails when `to` exists.
  virtual void rename_new(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  // Swaps two existing paths atomically. Returns false and changes nothing where the file system cannot do that.
  virtual bool exchange(const std::filesystem::path& a, const std::filesystem::path& b) = 0;
  virtual void remove_file(const std::filesystem::path& path) = 0;
  virtual void remove_directory(const std::filesystem::path& path) = 0;
  // Returns when the creations, renames and removals in that directory are on the disk.
  virtual void sync_directory(const std::filesystem::path& directory) = 0;
  // Returns the number of bytes that an ordinary user may still write there.
  virtual uint64_t free_bytes(const std::filesystem::path& directory) = 0;
};

// Returns the machine's own file system. Any thread may use it.
std::unique_ptr<FileSystem> posix_file_system();

// Throws the failure of a system call: "cannot write 'path': No space left on device".
[[noreturn]] void throw_file_error(int error_number, std::string_view action, const std::filesystem::path& path);

std::span<const std::byte> bytes_of(std::string_view text);
// Returns the whole file. Throws Error(io) when it is longer than `limit` bytes.
std::string read_text(FileSystem& files, const std::filesystem::path& path, uint64_t limit);
// Makes the missing folders of `path`, durably, and returns them, the deepest first. On failure none of them stays.
std::vector<std::filesystem::path> make_directories(FileSystem& files, const std::filesystem::path& path);
// Removes empty folders in the given order, as far as possible; undoes make_directories().
void remove_directories(FileSystem& files, const std::vector<std::filesystem::path>& directories) noexcept;
// Removes a folder and everything in it; does nothing when it does not exist.
void remove_tree(FileSystem& files, const std::filesystem::path& directory);

}  // namespace gptcore
