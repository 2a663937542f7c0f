// Replaces a small file so that a reader, or a crash at any moment, finds the old content or the new one, never a mixture.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace gptcore {

class FileSystem;

// Writes `<path>.tmp`, flushes it, renames it to `path` and flushes the folder. One writer at a time.
// Throws Error(io) or Error(disk_full); the old file is then still there and the temporary one is gone.
void write_file_atomically(FileSystem& files, const std::filesystem::path& path, std::string_view bytes);
// The same of a file that `write` makes at the path it is given, and flushes.
void write_file_atomically(FileSystem& files, const std::filesystem::path& path,
                           const std::function<void(const std::filesystem::path&)>& write);

}  // namespace gptcore
