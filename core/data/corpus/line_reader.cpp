#include "core/data/corpus/line_reader.h"

#include <cstring>

#include "gptcore/error.h"

namespace gptcore {

LineReader::LineReader(const std::filesystem::path& path) : path_(path.string()), bytes_(open_bytes(path)) {}

bool LineReader::next(std::string& out) {
  size_t searched = at_;
  for (;;) {
    const size_t end = buffer_.find('\n', searched);
    const bool found = end != std::string::npos;
    if (found || ended_) {
      if (!found && at_ == buffer_.size()) return false;
      size_t length = (found ? end : buffer_.size()) - at_;
      ++line_;
      const size_t begin = at_;
      at_ = found ? end + 1 : buffer_.size();
      if (length > 0 && buffer_[begin + length - 1] == '\r') --length;
      out.append(buffer_, begin, length);
      return true;
    }
    buffer_.erase(0, at_);
    at_ = 0;
    searched = buffer_.size();
    if (searched > kLongest)
      throw Error(Code::data_corrupt,
                  "the line is longer than " + std::to_string(kLongest >> 20) + " MiB, the most that is read",
                  "split the document, or check that the file has a record a line", path_ + ":" + std::to_string(line_ + 1));
    ended_ = !bytes_->read(buffer_);
  }
}

}  // namespace gptcore
