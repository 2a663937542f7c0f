// The lines of a text file, plain or packed by gzip or zstd, whatever its name says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace gptcore {

// The unpacked bytes of a file, in pieces.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Appends some bytes to `out`; false at the end, with nothing appended.
  virtual bool read(std::string& out) = 0;
  // Bytes of the file that were read so far.
  virtual int64_t position() const = 0;
};

// Throws Error(data_missing). What read() finds wrong is Error(data_corrupt): a damaged or cut off packed file, a file that was
// changed while it was read.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

class LineReader {
 public:
  // A longer line is Error(data_corrupt).
  static constexpr size_t kLongestLine = size_t{64} << 20;

  explicit LineReader(const std::filesystem::path& path);
  // Appends the next line to `out`, without its end ("\n" or "\r\n"); false at the end of the file.
  bool next(std::string& out);
  // Of the line that next() gave last; from 1.
  int64_t line() const { return line_; }
  int64_t position() const { return bytes_->position(); }

 private:
  std::string path_;
  std::unique_ptr<ByteSource> bytes_;
  std::string buffer_;
  size_t at_ = 0;
  int64_t line_ = 0;
  bool ended_ = false;
};

}  // namespace gptcore
