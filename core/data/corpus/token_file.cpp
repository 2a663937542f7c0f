#include "core/data/corpus/token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "gptcore/error.h"
#include "gptcore/lfs_pointer.h"
#include "gptcore/random.h"

namespace gptcore {
namespace {

constexpr int64_t kFingerprintPieces = 1024, kFingerprintPiece = 4096;  // ids read to tell a file's content
constexpr size_t kMostOpen = 256;

int open_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    throw Error(Code::data_missing, std::string("cannot open the token file: ") + std::strerror(errno),
                "check the path; gptcore prepare makes token files", path);
  return file;
}

// Returns less than out.size() only at the file's end.
size_t read_bytes(int file, uint64_t at, std::span<std::byte> out, const std::string& path) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(file, out.data() + done, out.size() - done, static_cast<off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      throw Error(Code::data_corrupt,
                  "cannot read byte " + std::to_string(at + done) + " of the token file: " + std::strerror(errno),
                  "check the disk", path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

}  // namespace

TokenFile::TokenFile(const std::filesystem::path& path, TokenFormat format, int64_t raw_width) : path_(path.string()) {
  file_ = open_file(path_);
  try {
    identity_ = identity_of(file_, path_);
    std::vector<std::byte> head(std::min<uint64_t>(identity_.size, kMostHeaderBytes));
    head.resize(read_bytes(file_, 0, head, path_));
    refuse_lfs_pointer({reinterpret_cast<const char*>(head.data()), head.size()}, Code::data_missing, path_);
    layout_ = token_layout(head, identity_.size, format, raw_width, path_);
  } catch (...) {
    close();
    throw;
  }
  close();
}

TokenFile::~TokenFile() {
  close();
}

TokenFile::TokenFile(TokenFile&& other) noexcept
    : path_(std::move(other.path_)),
      layout_(other.layout_),
      identity_(other.identity_),
      file_(std::exchange(other.file_, -1)),
      narrow_(std::move(other.narrow_)) {}

void TokenFile::close() {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
}

TokenFile::Identity TokenFile::identity_of(int file, const std::string& path) {
  struct stat info {};
  if (::fstat(file, &info) != 0 || !S_ISREG(info.st_mode))
    throw Error(Code::data_missing, "is not a regular file", "check the path", path);
  return {info.st_dev, info.st_ino, static_cast<uint64_t>(info.st_size), info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

void TokenFile::require_unchanged() const {
  if (identity_of(file_, path_) != identity_)
    throw Error(Code::data_corrupt, "the token file was changed or replaced while it was in use",
                "restore the file, then start again: a run continues from its checkpoint", path_);
}

void TokenFile::read(int64_t first, std::span<uint32_t> out) {
  if (file_ < 0) file_ = open_file(path_);
  require_unchanged();
  if (layout_.width == 2) narrow_.resize(out.size());
  const std::span<std::byte> bytes =
      layout_.width == 2 ? std::as_writable_bytes(std::span(narrow_)) : std::as_writable_bytes(out);
  const uint64_t at = layout_.start + static_cast<uint64_t>(first * layout_.width);
  if (const size_t got = read_bytes(file_, at, bytes, path_); got < bytes.size())
    throw Error(Code::data_corrupt,
                "ends at byte " + std::to_string(at + got) + ", before token " +
                    std::to_string(first + static_cast<int64_t>(out.size()) - 1) + ": it became shorter while it was in use",
                "restore the file, then start again: a run continues from its checkpoint", path_);
  if (layout_.width == 2) std::copy(narrow_.begin(), narrow_.end(), out.begin());
}

TokenSequence::TokenSequence(std::vector<TokenFile> files, std::string advice)
    : files_(std::move(files)), advice_(std::move(advice)) {
  starts_.push_back(0);
  for (const TokenFile& file : files_) starts_.push_back(starts_.back() + file.tokens());
}

void TokenSequence::read_in(size_t file, int64_t first, std::span<uint32_t> out) {
  if (std::find(open_.begin(), open_.end(), file) == open_.end()) {
    if (open_.size() == kMostOpen) {
      files_[open_.front()].close();
      open_.erase(open_.begin());
    }
    open_.push_back(file);
  }
  files_[file].read(first, out);
}

void TokenSequence::read(int64_t first, std::span<uint32_t> out, int64_t limit, uint32_t flag) {
  auto file = static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), first) - starts_.begin()) - 1;
  for (; !out.empty(); ++file) {
    const int64_t inside = first - starts_[file];
    const auto count = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(out.size()), starts_[file + 1] - first));
    read_in(file, inside, out.first(count));
    for (size_t i = 0; i < count; ++i) {
      const int64_t id = out[i] & ~flag;
      if (id < limit) continue;
      const int64_t token = inside + static_cast<int64_t>(i);
      const TokenLayout& layout = files_[file].layout();
      throw Error(Code::token_out_of_range,
                  "the id " + std::to_string(id) + " at token " + std::to_string(token) + " (byte " +
                      std::to_string(layout.start + static_cast<uint64_t>(token * layout.width)) + ", read as " +
                      (layout.width == 2 ? "uint16" : "uint32") + ") is not below the vocabulary's size " +
                      std::to_string(limit),
                  advice_, files_[file].path());
    }
    first += static_cast<int64_t>(count);
    out = out.subspan(count);
  }
}

uint64_t TokenSequence::fingerprint(uint64_t before) {
  uint64_t hash = before;
  std::vector<uint32_t> piece;
  for (size_t f = 0; f < files_.size(); ++f) {
    const int64_t tokens = files_[f].tokens(), step = std::max(kFingerprintPiece, tokens / kFingerprintPieces);
    hash = random_bits(hash, static_cast<uint64_t>(tokens));
    for (int64_t at = 0; at < tokens; at += step) {
      piece.resize(static_cast<size_t>(std::min(kFingerprintPiece, tokens - at)));
      read_in(f, at, piece);
      hash = random_bits(hash, piece.size());
      for (const uint32_t id : piece) hash = random_bits(hash, id);
    }
  }
  return hash;
}

std::string name_of(const TokenSequence& tokens) {
  if (tokens.files().size() == 1) return tokens.files().front().path();
  return tokens.files().empty() ? ""
                                : tokens.files().front().path() + " and " + std::to_string(tokens.files().size() - 1) + " more";
}

}  // namespace gptcore
