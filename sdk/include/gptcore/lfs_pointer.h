// Detects Git LFS pointers: a clone without Git LFS holds a few lines of text in place of each large file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gptcore/error.h"

namespace gptcore {

// The number of leading bytes that tell whether a file is a pointer.
inline constexpr size_t kLfsPointerStart = 48;

inline bool is_lfs_pointer(std::string_view start) {
  return start.starts_with("version https://git-lfs.github.com/spec/v");
}

// Throws Error(`code`) at `where` when a file that begins with `start` is a pointer.
inline void refuse_lfs_pointer(std::string_view start, Code code, const std::string& where) {
  if (is_lfs_pointer(start))
    throw Error(code, "this is a Git LFS pointer, a few lines of text in place of the file itself",
                "'git lfs pull' in its repository gets the file, as does a download of the file alone", where);
}

}  // namespace gptcore
