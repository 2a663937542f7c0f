// Reads a text file as UTF-8, or says what it is instead.
#pragma once

#include <string>
#include <vector>

#include "gptcore/host.h"

namespace gptcore {

// Returns the file's text. Decompresses gzip and zstd files and logs that to `host`. Adds a line to `warnings` for everything
// that a tokenizer may refuse: bytes that are not UTF-8 and single NUL bytes. Throws Error(data_missing), and
// Error(data_corrupt) for UTF-16 and UTF-32, files filled with NUL bytes, and formats that are not text.
std::string source_text(const std::string& path, Host& host, std::vector<std::string>& warnings);

}  // namespace gptcore
