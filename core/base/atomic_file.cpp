#include "core/base/atomic_file.h"

#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {

void write_file_atomically(FileSystem& files, const std::filesystem::path& path, std::string_view bytes) {
  write_file_atomically(files, path, [&](const std::filesystem::path& temporary) {
    const auto file = files.create(temporary);
    file->write(bytes_of(bytes));
    file->sync();
    file->close();
  });
}

void write_file_atomically(FileSystem& files, const std::filesystem::path& path,
                           const std::function<void(const std::filesystem::path&)>& write) {
  std::filesystem::path temporary = path;
  temporary += ".tmp";
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  try {
    if (files.kind(temporary) != FileKind::absent) files.remove_file(temporary);  // left by a killed process
    write(temporary);
    files.rename(temporary, path);
  } catch (...) {
    try {
      if (files.kind(temporary) == FileKind::file) files.remove_file(temporary);
    } catch (const Error&) {  // the first failure is the one to report
    }
    throw;
  }
  files.sync_directory(folder);
}

}  // namespace gptcore
