// Finds the ids in a file of tokens: raw ids alone, after llm.c's header, or after numpy's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace gptcore {

constexpr size_t kLlmcHeaderBytes = 1024;     // 256 int32: magic, version, number of ids, zeros
constexpr size_t kNpyHeaderBytes = 128;       // of the files that we write
constexpr size_t kMostHeaderBytes = 1 << 16;  // of the largest header that we read

enum class TokenFormat {
  any,   // llm.c's when the file begins with its magic, else raw
  raw,   // nanoGPT's: little-endian ids and nothing else
  llmc,  // magic 20240520, version 1, uint16; magic 20240801, version 7, uint32
  npy,   // numpy's: uint16 or uint32, one dimension
};

struct TokenLayout {
  uint64_t start = 0;  // of the first id, in bytes
  int64_t width = 2;   // bytes of an id: 2 or 4
  int64_t tokens = 0;
};

// `head` holds the first bytes of a file of `size` bytes: kMostHeaderBytes of them, or all. `raw_width` is the width of ids
// without a header. Throws Error(data_corrupt), or Error(data_empty) when there is no id; `where` names the file.
TokenLayout token_layout(std::span<const std::byte> head, uint64_t size, TokenFormat format, int64_t raw_width,
                         const std::string& where);

// Returns the header of such a file, empty for raw ids. The ids follow at kLlmcHeaderBytes or kNpyHeaderBytes.
std::string token_header(TokenFormat format, int64_t width, int64_t tokens);

}  // namespace gptcore
