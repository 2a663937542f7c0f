#include "gptcore/error.h"

#include <cstdio>

namespace gptcore {
namespace {

// A file's or a user's text may hold line breaks; the error stays one line.
std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n')
      out += "\\n";
    else
      out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return out;
}

}  // namespace

int exit_code(Code code) noexcept {
  if (code == Code::internal) return 70;
  switch (static_cast<int>(code) / 100) {
    case 2:
      return 3;  // plugin
    case 3:
      return 4;  // data
    case 5:
      return 5;  // checkpoint
    case 6:
      return 6;  // diverged
    case 7:
      return 7;  // memory
    case 8:
      return 8;  // peer
    case 9:
      return 9;  // disk
    default:
      return 2;  // usage, config, model
  }
}

Error::Error(Code code, const std::string& message, std::string hint, std::string where)
    : std::runtime_error(message), code_(code), hint_(std::move(hint)), where_(std::move(where)) {}

Error::~Error() = default;

Error Error::at(const std::string& where) const {
  return {code_, what(), hint_, where_.empty() ? where : where_};
}

std::string Error::line() const {
  char number[16];
  std::snprintf(number, sizeof number, "GC%03d", static_cast<int>(code_));
  std::string text = where_.empty() ? "" : where_ + ": ";
  text += std::string("error[") + number + "]: " + what();
  if (!hint_.empty()) text += "; " + hint_;
  return one_line(text);
}

}  // namespace gptcore
