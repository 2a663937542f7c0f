// Reads the documents of a file one after another: lines of text, rows of a table.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace gptcore {

class RecordReader {
 public:
  static constexpr size_t kLongest = size_t{64} << 20;  // a longer record is Error(data_corrupt)

  virtual ~RecordReader() = default;
  // Appends the next record to `out`; returns false at the end of the file. Throws Error, which names the file.
  virtual bool next(std::string& out) = 0;
  // Returns the number of the record that next() read last, from 1.
  virtual int64_t number() const = 0;
  // Returns about how many bytes of the file were read so far.
  virtual int64_t position() const = 0;
};

// Opens a file. Throws Error(data_missing | data_corrupt).
using OpenRecords = std::function<std::unique_ptr<RecordReader>(const std::string& file)>;

}  // namespace gptcore
