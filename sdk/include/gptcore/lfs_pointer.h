// Git LFS keeps large files elsewhere: a clone without it holds a few lines of text in their place.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gptcore/error.h"

namespace gptcore {

// As many of a file's first bytes tell whether it is a pointer.
inline constexpr size_t kLfsPointerStart = 48;

inline bool is_lfs_pointer(std::string_view start) {
  return start.starts_with("version https://git-lfs.github.com/spec/v");
}

// Throws Error(`code`) at `where` when a file that begins so is such a pointer.
inline void refuse_lfs_pointer(std::string_view start, Code code, const std::string& where) {
  if (is_lfs_pointer(start))
    throw Error(code, "this is a Git LFS pointer, a few lines of text in place of the file itself",
                "'git lfs pull' in its repository gets the file, as does a download of the file alone", where);
}

}  // namespace gptcore
