// A text file as its bytes in UTF-8, or what it is instead.
#pragma once

#include <string>
#include <vector>

#include "gptcore/host.h"

namespace gptcore {

// The file's text. What is packed by gzip or zstd is unpacked, and `host` is told. What a tokenizer may refuse, bytes that are
// not UTF-8 and single NUL bytes, is added to `warnings`, a line each. Throws Error(data_missing), and Error(data_corrupt) for
// UTF-16 and UTF-32, files filled with NUL bytes, and formats that are no text.
std::string source_text(const std::string& path, Host& host, std::vector<std::string>& warnings);

}  // namespace gptcore
