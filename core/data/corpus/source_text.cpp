#include "core/data/corpus/source_text.h"

#include <algorithm>
#include <string_view>

#include "core/data/corpus/line_reader.h"
#include "gptcore/error.h"
#include "gptcore/utf8.h"

namespace gptcore {
namespace {

using namespace std::string_view_literals;

constexpr size_t kHead = size_t{1} << 16;
constexpr size_t kFilled = 512;  // NUL bytes in a row: a block that was never written

[[noreturn]] void refuse(const std::string& what, const std::string& hint, const std::string& path) {
  throw Error(Code::data_corrupt, what, hint, path);
}

void refuse_other_format(std::string_view text, const std::string& path) {
  if (text.starts_with("BZh") && text.substr(std::min<size_t>(4, text.size())).starts_with("1AY&SY"))
    refuse("is packed by bzip2", "unpack it with bunzip2", path);
  if (text.starts_with("\xfd"
                       "7zXZ\0"sv))
    refuse("is packed by xz", "unpack it with unxz", path);
  if (text.starts_with("7z\xbc\xaf\x27\x1c")) refuse("is a 7-Zip archive", "unpack it with 7z x", path);
  if (text.starts_with("PK\x03\x04")) refuse("is a zip archive", "unpack it with unzip", path);
  if (text.starts_with("PAR1")) refuse("is a Parquet file", "read it with use = \"parquet\"", path);
  if (text.starts_with("%PDF-")) refuse("is a PDF file", "extract its text, as pdftotext does", path);
}

[[noreturn]] void refuse_encoding(const std::string& name, const std::string& from, const std::string& path) {
  refuse("is text in " + name + ", not in UTF-8", "convert it: iconv -f " + from + " -t UTF-8 FILE > NEW", path);
}

void refuse_other_encoding(std::string_view text, const std::string& path) {
  if (text.starts_with("\xff\xfe\0\0"sv) || text.starts_with("\0\0\xfe\xff"sv)) refuse_encoding("UTF-32", "UTF-32", path);
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) refuse_encoding("UTF-16", "UTF-16", path);
  // Without a mark, UTF-16 shows by zeros: each second byte of most scripts' letters, or of the spaces between them, is 0.
  const std::string_view head = text.substr(0, kHead);
  size_t zeros[2] = {0, 0};
  for (size_t i = 0; i < head.size(); ++i) zeros[i % 2] += head[i] == 0;
  const size_t few = head.size() / 20, many = head.size() / 5;
  if (zeros[1] > many && zeros[0] <= few) refuse_encoding("UTF-16", "UTF-16LE", path);
  if (zeros[0] > many && zeros[1] <= few) refuse_encoding("UTF-16", "UTF-16BE", path);
}

std::string counted(size_t count, const char* one, const char* several) {
  return std::to_string(count) + (count == 1 ? one : several);
}

void look_for_nul(std::string_view text, const std::string& path, std::vector<std::string>& warnings) {
  const size_t first = text.find('\0');
  if (first == text.npos) return;
  if (const size_t filled = text.find(std::string(kFilled, '\0')); filled != text.npos)
    refuse("is filled with NUL bytes from offset " + std::to_string(filled) + " on: it was not written whole",
           "copy it again, or cut it there", path);
  const auto count = static_cast<size_t>(std::count(text.begin(), text.end(), '\0'));
  if (count > text.size() / 10)
    refuse("is not text: " + std::to_string(count) + " of its " + std::to_string(text.size()) + " bytes are NUL",
           "name text files", path);
  warnings.push_back(path + ": " + counted(count, " NUL byte", " NUL bytes") + ", the first at offset " +
                     std::to_string(first));
}

void look_for_invalid_utf8(std::string_view text, const std::string& path, std::vector<std::string>& warnings) {
  size_t count = 0, first = 0;
  for (size_t at = 0; at < text.size();) {
    if (next_code_point(text, at) >= 0) continue;
    if (count++ == 0) first = at;
    ++at;
  }
  if (count > 0)
    warnings.push_back(path + ": " + counted(count, " byte is", " bytes are") + " not UTF-8, the first at offset " +
                       std::to_string(first));
}

}  // namespace

std::string source_text(const std::string& path, Host& host, std::vector<std::string>& warnings) {
  std::string text;
  const std::unique_ptr<ByteSource> bytes = open_bytes(path);
  while (bytes->read(text)) continue;
  if (bytes->packed()) host.log(Level::info, path + " is packed; read unpacked");
  refuse_other_format(text, path);
  refuse_other_encoding(text, path);
  look_for_nul(text, path, warnings);
  look_for_invalid_utf8(text, path, warnings);
  return text;
}

}  // namespace gptcore
