// Reads the lines of a text file, plain or compressed by gzip or zstd, whatever its name says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/data/corpus/record_reader.h"

namespace gptcore {

// Reads the uncompressed bytes of a file, in pieces.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Appends some bytes to `out`. Returns false at the end, having appended nothing.
  virtual bool read(std::string& out) = 0;
  // Returns how many bytes of the file were read so far.
  virtual int64_t position() const = 0;
  // Returns whether the file is compressed.
  virtual bool packed() const { return true; }
};

// Throws Error(data_missing). read() throws Error(data_corrupt) for a damaged or truncated compressed file, and for a file that
// changed while it was read.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

class LineReader final : public RecordReader {
 public:
  explicit LineReader(const std::filesystem::path& path);
  // Appends the next line without its end ("\n" or "\r\n").
  bool next(std::string& out) override;
  int64_t number() const override { return line_; }
  int64_t position() const override { return bytes_->position(); }

 private:
  std::string path_;
  std::unique_ptr<ByteSource> bytes_;
  std::string buffer_;
  size_t at_ = 0;
  int64_t line_ = 0;
  bool ended_ = false;
};

}  // namespace gptcore
