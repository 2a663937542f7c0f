#include "core/data/corpus/token_layout.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "gptcore/error.h"

namespace gptcore {
namespace {

static_assert(std::endian::native == std::endian::little, "ids are read as they are in the file");

constexpr int32_t kMagic16 = 20240520, kVersion16 = 1, kMagic32 = 20240801, kVersion32 = 7, kMagicEval = 20240522;
constexpr const char* kAgain = "copy it again, or run the gptcore prepare that made it again with --verify";

[[noreturn]] void refuse(const std::string& message, const std::string& hint, const std::string& where) {
  throw Error(Code::data_corrupt, message, hint, where);
}

int32_t int_at(std::span<const std::byte> head, size_t index) {
  int32_t out = 0;
  std::memcpy(&out, head.data() + 4 * index, sizeof out);
  return out;
}

TokenLayout checked(TokenLayout layout, const std::string& where) {
  if (layout.tokens == 0) throw Error(Code::data_empty, "the token file holds no ids", kAgain, where);
  return layout;
}

TokenLayout raw_layout(uint64_t size, int64_t width, const std::string& where) {
  if (size == 0) throw Error(Code::data_empty, "the token file is empty", kAgain, where);
  if (size % static_cast<uint64_t>(width) != 0)
    refuse("the token file has an odd size of " + std::to_string(size) + " bytes; ids of " +
               (width == 2 ? "uint16 have 2" : "uint32 have 4"),
           std::string(kAgain) + "; or its ids are not of that dtype", where);
  return {0, width, static_cast<int64_t>(size) / width};
}

TokenLayout llmc_layout(std::span<const std::byte> head, uint64_t size, const std::string& where) {
  if (size < kLlmcHeaderBytes || head.size() < kLlmcHeaderBytes)
    refuse("the token file has " + std::to_string(size) + " bytes, llm.c's header alone has 1024", kAgain, where);
  const int32_t magic = int_at(head, 0), version = int_at(head, 1), tokens = int_at(head, 2);
  if (magic == kMagicEval)
    refuse("is a file of llm.c's evaluation examples (magic 20240522), not of training tokens", "name token shards", where);
  if (magic != kMagic16 && magic != kMagic32)
    refuse("begins with the number " + std::to_string(magic) + "; llm.c's token files begin with 20240520 or 20240801",
           "write format = \"raw\" if it has no header", where);
  const int32_t wanted = magic == kMagic16 ? kVersion16 : kVersion32;
  if (version != wanted)
    refuse("has version " + std::to_string(version) + " of llm.c's format; with magic " + std::to_string(magic) + " version " +
               std::to_string(wanted) + " can be read",
           "prepare it again with a newer script", where);
  const TokenLayout layout{kLlmcHeaderBytes, magic == kMagic16 ? 2 : 4, tokens};
  const uint64_t bytes = size - kLlmcHeaderBytes;
  if (tokens < 0 || bytes != static_cast<uint64_t>(tokens) * static_cast<uint64_t>(layout.width))
    refuse("its header counts " + std::to_string(tokens) + " ids of " + std::to_string(layout.width) + " bytes, but " +
               std::to_string(bytes) + " bytes follow it",
           kAgain, where);
  return checked(layout, where);
}

// Reads the header of a .npy file: a Python dictionary with the keys descr, fortran_order and shape.
class NpyHeader {
 public:
  NpyHeader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  TokenLayout read() {
    expect('{');
    while (!taken('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && descr_.empty()) {
        descr_ = quoted();
      } else if (key == "fortran_order" && !fortran_) {
        fortran_ = word();
      } else if (key == "shape" && !tokens_) {
        tokens_ = shape();
      } else {
        malformed("the key '" + key + "'");
      }
      if (!taken(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) malformed("text after the dictionary");
    return layout();
  }

 private:
  TokenLayout layout() const {
    if (descr_.empty() || !fortran_ || !tokens_) malformed("no descr, fortran_order or shape");
    if (descr_ != "<u2" && descr_ != "<u4")
      refuse("is an array of '" + descr_ + "'; token shards are of '<u2' (uint16) or '<u4' (uint32), little-endian",
             "save it with numpy as uint16", where_);
    if (*fortran_ != "False") refuse("is in Fortran order", "save it with numpy in C order", where_);
    return {0, descr_ == "<u2" ? 2 : 4, *tokens_};
  }

  int64_t shape() {
    expect('(');
    const int64_t count = number();
    if (taken(')')) malformed("a shape that is not a tuple");
    expect(',');
    if (!taken(')')) refuse("is an array of more than one dimension; token shards have one", "save it flattened", where_);
    return count;
  }

  int64_t number() {
    skip_space();
    int64_t out = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, failed] = std::from_chars(begin, text_.data() + text_.size(), out);
    if (failed != std::errc() && *begin == ')') refuse("is a single number; token shards have one dimension", "", where_);
    if (failed != std::errc() || out < 0) malformed("a shape that is not a number");
    at_ += static_cast<size_t>(end - begin);
    return out;
  }

  std::string word() {
    skip_space();
    const size_t begin = at_;
    while (at_ < text_.size() && ((text_[at_] | 32) >= 'a' && (text_[at_] | 32) <= 'z')) ++at_;
    const std::string out(text_.substr(begin, at_ - begin));
    if (out != "True" && out != "False") malformed("a fortran_order that is neither True nor False");
    return out;
  }

  std::string quoted() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    const size_t end = quote == '\'' || quote == '"' ? text_.find(quote, at_ + 1) : std::string_view::npos;
    if (end == std::string_view::npos) malformed("a missing text in quotes");
    const std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }

  bool taken(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!taken(c)) malformed(std::string("a missing '") + c + "'");
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  [[noreturn]] void malformed(const std::string& what) const {
    refuse("its .npy header has " + what, "save it again with numpy.save", where_);
  }

  std::string_view text_;
  const std::string& where_;
  size_t at_ = 0;
  std::string descr_;
  std::optional<std::string> fortran_;
  std::optional<int64_t> tokens_;
};

TokenLayout npy_layout(std::span<const std::byte> head, uint64_t size, const std::string& where) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (!text.starts_with(kMagic))
    refuse("is not a .npy file: it does not begin with \\x93NUMPY", "save it with numpy.save", where);
  if (text.size() < 12) refuse("is truncated inside its .npy header", kAgain, where);
  const int major = static_cast<unsigned char>(text[6]);
  if (major != 1 && major != 2)
    refuse("has version " + std::to_string(major) + " of the .npy format; versions 1 and 2 can be read",
           "save it with numpy.save", where);
  uint32_t length = 0;
  const size_t begin = major == 1 ? 10 : 12;
  std::memcpy(&length, text.data() + 8, begin - 8);
  if (length > kMostHeaderBytes - 12)
    refuse("has a .npy header of " + std::to_string(length) + " bytes; that of a token shard has about 118", kAgain, where);
  if (begin + length > text.size()) refuse("is truncated inside its .npy header", kAgain, where);
  TokenLayout layout = NpyHeader(text.substr(begin, length), where).read();
  layout.start = begin + length;
  const uint64_t bytes = size - layout.start;
  if (layout.tokens > static_cast<int64_t>(size) ||
      bytes != static_cast<uint64_t>(layout.tokens) * static_cast<uint64_t>(layout.width))
    refuse("its .npy header counts " + std::to_string(layout.tokens) + " ids of " + std::to_string(layout.width) +
               " bytes, but " + std::to_string(bytes) + " bytes follow it",
           kAgain, where);
  return checked(layout, where);
}

bool has_llmc_magic(std::span<const std::byte> head) {
  if (head.size() < 4) return false;
  const int32_t magic = int_at(head, 0);
  return magic == kMagic16 || magic == kMagic32 || magic == kMagicEval;
}

}  // namespace

TokenLayout token_layout(std::span<const std::byte> head, uint64_t size, TokenFormat format, int64_t raw_width,
                         const std::string& where) {
  if (format == TokenFormat::npy) return npy_layout(head, size, where);
  if (format == TokenFormat::llmc || (format == TokenFormat::any && has_llmc_magic(head)))
    return llmc_layout(head, size, where);
  return raw_layout(size, raw_width, where);
}

std::string token_header(TokenFormat format, int64_t width, int64_t tokens) {
  if (format == TokenFormat::llmc) {
    const int32_t numbers[3] = {width == 2 ? kMagic16 : kMagic32, width == 2 ? kVersion16 : kVersion32,
                                static_cast<int32_t>(tokens)};
    std::string out(kLlmcHeaderBytes, '\0');
    std::memcpy(out.data(), numbers, sizeof numbers);
    return out;
  }
  if (format != TokenFormat::npy) return {};
  std::string text =
      "{'descr': '<u" + std::to_string(width) + "', 'fortran_order': False, 'shape': (" + std::to_string(tokens) + ",), }";
  text.resize(kNpyHeaderBytes - 10 - 1, ' ');
  const auto length = static_cast<char>(kNpyHeaderBytes - 10);
  return std::string("\x93NUMPY\x01\0", 8) + length + '\0' + text + '\n';
}

}  // namespace gptcore
