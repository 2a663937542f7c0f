// Replaces a small file atomically: a reader finds the old content or the new one, also after a crash, never a mixture.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace gptcore {

class FileSystem;

// Writes `<path>.tmp`, flushes it, renames it to `path` and flushes the folder. Only one writer may run at a time.
// Throws Error(io) or Error(disk_full); the old file then still exists and the temporary one does not.
void write_file_atomically(FileSystem& files, const std::filesystem::path& path, std::string_view bytes);
// Does the same with a file that `write` creates and flushes at the path passed to it.
void write_file_atomically(FileSystem& files, const std::filesystem::path& path,
                           const std::function<void(const std::filesystem::path&)>& write);

}  // namespace gptcore
