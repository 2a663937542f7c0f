// The lines of a text file, plain or packed by gzip or zstd, whatever its name says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/data/corpus/record_reader.h"

namespace gptcore {

// The unpacked bytes of a file, in pieces.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Appends some bytes to `out`; false at the end, with nothing appended.
  virtual bool read(std::string& out) = 0;
  // Bytes of the file that were read so far.
  virtual int64_t position() const = 0;
  // Whether the file holds other bytes, packed.
  virtual bool packed() const { return true; }
};

// Throws Error(data_missing). What read() finds wrong is Error(data_corrupt): a damaged or cut off packed file, a file that was
// changed while it was read.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

class LineReader final : public RecordReader {
 public:
  explicit LineReader(const std::filesystem::path& path);
  // A line comes without its end ("\n" or "\r\n").
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
