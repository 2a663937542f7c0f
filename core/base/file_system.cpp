#include "core/base/file_system.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "gptcore/error.h"

namespace gptcore {

WritableFile::~WritableFile() = default;
ReadableFile::~ReadableFile() = default;
FileSystem::~FileSystem() = default;

void throw_file_error(int error_number, std::string_view action, const std::filesystem::path& path) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  throw Error(full ? Code::disk_full : Code::io,
              "cannot " + std::string(action) + " '" + path.string() + "': " + std::generic_category().message(error_number),
              full ? "free some space on that disk, or write to another one" : "");
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string read_text(FileSystem& files, const std::filesystem::path& path, uint64_t limit) {
  const auto file = files.open(path);
  const uint64_t size = file->size();
  if (size > limit) {
    throw Error(Code::io, "'" + path.string() + "' has " + std::to_string(size) + " bytes; at most " + std::to_string(limit) +
                              " were expected");
  }
  std::string text(size, '\0');
  text.resize(file->read_at(0, std::as_writable_bytes(std::span(text.data(), text.size()))));
  return text;
}

namespace {

// Returns false when another process has made the folder meanwhile.
bool make_or_find(FileSystem& files, const std::filesystem::path& folder) {
  try {
    files.make_directory(folder);
    return true;
  } catch (const Error&) {
    if (files.kind(folder) != FileKind::directory) throw;
    return false;
  }
}

}  // namespace

std::vector<std::filesystem::path> make_directories(FileSystem& files, const std::filesystem::path& path) {
  std::vector<std::filesystem::path> missing, made;
  auto folder = std::filesystem::absolute(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // a trailing slash
  for (; files.kind(folder) == FileKind::absent; folder = folder.parent_path()) missing.push_back(folder);
  try {
    for (auto next = missing.rbegin(); next != missing.rend(); ++next) {
      if (!make_or_find(files, *next)) continue;
      made.insert(made.begin(), *next);
      files.sync_directory(next->parent_path());
    }
  } catch (const Error&) {
    remove_directories(files, made);
    throw;
  }
  return made;
}

void remove_directories(FileSystem& files, const std::vector<std::filesystem::path>& directories) noexcept {
  try {
    for (const auto& directory : directories) files.remove_directory(directory);
  } catch (const std::exception&) {  // the caller reports the first failure
  }
}

void remove_tree(FileSystem& files, const std::filesystem::path& directory) {
  if (files.kind(directory) == FileKind::absent) return;
  for (const FileEntry& entry : files.list(directory)) {
    if (entry.kind == FileKind::directory) {
      remove_tree(files, directory / entry.name);
    } else {
      files.remove_file(directory / entry.name);
    }
  }
  files.remove_directory(directory);
}

}  // namespace gptcore
