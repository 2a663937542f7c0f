// Reads token files as one sequence, by pread and on demand: a corpus may be larger than the memory, and a file that is
// truncated or replaced while it is in use is an error, never a signal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/data/corpus/token_layout.h"

namespace gptcore {

// One file, which the first read opens. Reading fails when the file has changed since this object was made.
class TokenFile {
 public:
  // Throws Error(data_missing) and the errors of token_layout().
  TokenFile(const std::filesystem::path& path, TokenFormat format, int64_t raw_width);
  ~TokenFile();
  TokenFile(TokenFile&& other) noexcept;
  TokenFile& operator=(TokenFile&&) = delete;

  const std::string& path() const { return path_; }
  const TokenLayout& layout() const { return layout_; }
  int64_t tokens() const { return layout_.tokens; }
  // Reads the ids first .. first + out.size() - 1 as the file has them. Throws Error(data_corrupt), which names token and byte.
  void read(int64_t first, std::span<uint32_t> out);
  void close();

 private:
  struct Identity {
    uint64_t device = 0, inode = 0, size = 0;
    int64_t changed_s = 0, changed_ns = 0;
    bool operator==(const Identity&) const = default;
  };
  static Identity identity_of(int file, const std::string& path);
  void require_unchanged() const;

  std::string path_;
  TokenLayout layout_;
  Identity identity_;
  int file_ = -1;
  std::vector<uint16_t> narrow_;
};

// Several files in a row. Only for one thread at a time.
class TokenSequence {
 public:
  TokenSequence() = default;
  // `advice` is the hint of the error for an id beyond the limit.
  explicit TokenSequence(std::vector<TokenFile> files, std::string advice = {});

  int64_t tokens() const { return starts_.empty() ? 0 : starts_.back(); }
  const std::vector<TokenFile>& files() const { return files_; }
  std::vector<TokenFile>& files() { return files_; }
  // Reads like TokenFile::read(), across files. Throws Error(token_out_of_range) for an id that, without `flag`, is not below
  // `limit`.
  void read(int64_t first, std::span<uint32_t> out, int64_t limit, uint32_t flag = 0);
  // Returns a hash of `before` and of pieces spread evenly over each file: all of a small file.
  uint64_t fingerprint(uint64_t before);

 private:
  void read_in(size_t file, int64_t first, std::span<uint32_t> out);

  std::vector<TokenFile> files_;
  std::vector<int64_t> starts_;  // of each file, and the end
  std::vector<size_t> open_;     // oldest first
  std::string advice_;
};

// Returns "train.bin", "5 files".
std::string name_of(const TokenSequence& tokens);

}  // namespace gptcore
