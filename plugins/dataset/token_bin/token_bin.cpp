// nanoGPT's train.bin and val.bin: raw little-endian uint16 token ids. Windows are read from the files as they are asked for,
// so a corpus may be larger than the memory.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gptcore/plugin.h"
#include "gptcore/token_windows.h"

namespace {

using namespace gptcore;
namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "ids are read as they are in the file");

constexpr int64_t kFingerprintPieces = 1024, kFingerprintPiece = 4096;  // tokens read to tell a file's content

// One file of ids, open for reading at any place.
class TokenFile {
 public:
  TokenFile() = default;
  explicit TokenFile(const fs::path& path) : path_(path.string()), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0)
      throw Error(Code::data_missing, std::string("cannot open the token file: ") + std::strerror(errno),
                  "path names a folder with nanoGPT's train.bin and val.bin", path_);
    struct stat info {};
    if (::fstat(file_, &info) != 0 || !S_ISREG(info.st_mode))
      throw Error(Code::data_missing, "is not a regular file", "check path", path_);
    if (info.st_size == 0) throw Error(Code::data_empty, "the token file is empty", "prepare it again", path_);
    if (info.st_size % 2 != 0)
      throw Error(Code::data_corrupt,
                  "the token file has an odd size of " + std::to_string(info.st_size) + " bytes; ids have two",
                  "prepare or copy it again", path_);
    tokens_ = info.st_size / 2;
  }
  TokenFile(TokenFile&& other) noexcept : TokenFile() { swap(other); }
  TokenFile& operator=(TokenFile&& other) noexcept {
    swap(other);
    return *this;
  }
  ~TokenFile() {
    if (file_ >= 0) ::close(file_);
  }

  const std::string& path() const { return path_; }
  int64_t tokens() const { return tokens_; }

  void read(int64_t first, std::span<uint16_t> out) const {
    char* to = reinterpret_cast<char*>(out.data());
    size_t left = out.size_bytes();
    for (off_t at = first * 2; left > 0;) {
      const ssize_t got = ::pread(file_, to, left, at);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0)
        throw Error(Code::data_corrupt,
                    "cannot read token " + std::to_string(at / 2) + ": " +
                        (got < 0 ? std::strerror(errno) : "the file became shorter while it was in use"),
                    "prepare or copy it again", path_);
      to += got;
      at += got;
      left -= static_cast<size_t>(got);
    }
  }

 private:
  void swap(TokenFile& other) {
    std::swap(path_, other.path_);
    std::swap(file_, other.file_);
    std::swap(tokens_, other.tokens_);
  }

  std::string path_;
  int file_ = -1;
  int64_t tokens_ = 0;
};

class TokenBin final : public Dataset {
 public:
  static void schema(Schema<TokenBin>& s) {
    s.param("path", &TokenBin::path_, "folder with train.bin and, unless there is no validation, val.bin").path().required();
    s.param("vocab_size", &TokenBin::vocab_, "ids are below this; 0: as meta.json or the tokenizer says").range(0, 65536);
  }

  void open(const DatasetContext& context) override {
    vocab_ = find_vocab(context);
    limit_ = context.vocab_limit > 0 ? std::min(vocab_, context.vocab_limit) : vocab_;
    for (const Split split : {Split::train, Split::val}) {
      const fs::path path = fs::path(path_) / (std::string(name_of(split)) + ".bin");
      if (split == Split::val && !fs::exists(path)) continue;
      TokenFile& file = files_[index(split)] = TokenFile(path);
      windows_[index(split)] = {file.tokens(), context.block_size, context.seed,
                                split,         file.path(),        "prepare more text or use a smaller block_size"};
    }
  }

  int64_t vocab_size() const override { return vocab_; }
  int64_t tokens(Split split) const override { return windows_[index(split)].tokens(); }
  int64_t windows(Split split) const override { return windows_[index(split)].windows(); }

  void batch(const BatchRequest& request, Batch& out) override {
    const TokenFile& file = files_[index(request.split)];
    windows_[index(request.split)].batch(request, out, [&](int64_t first, std::span<int64_t> to) {
      piece_.resize(to.size());
      file.read(first, piece_);
      for (size_t i = 0; i < to.size(); ++i) {
        if (piece_[i] >= limit_) refuse_id(file, first + static_cast<int64_t>(i), piece_[i]);
        to[i] = piece_[i];
      }
    });
  }

  // Of pieces spread evenly over each file: all of a small one.
  std::string fingerprint() const override {
    uint64_t hash = 0;
    std::vector<uint16_t> piece;
    for (const TokenFile& file : files_) {
      const int64_t step = std::max(kFingerprintPiece, file.tokens() / kFingerprintPieces);
      hash = random_bits(hash, static_cast<uint64_t>(file.tokens()));
      for (int64_t at = 0; at < file.tokens(); at += step) {
        piece.resize(static_cast<size_t>(std::min(kFingerprintPiece, file.tokens() - at)));
        file.read(at, piece);
        hash = hash_of(std::span<const uint16_t>(piece), hash);
      }
    }
    char text[32];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
    return text;
  }

 private:
  static size_t index(Split split) { return static_cast<size_t>(split); }

  int64_t find_vocab(const DatasetContext& context) const {
    if (vocab_ > 0) return vocab_;
    const fs::path path = fs::path(path_) / "meta.json";
    if (fs::exists(path)) {
      const auto meta = nlohmann::json::parse(std::ifstream(path), nullptr, false);
      const auto found = meta.is_object() ? meta.find("vocab_size") : meta.end();
      if (found != meta.end() && found->is_number_integer() && *found > 0 && *found <= 65536) return *found;
      throw Error(Code::data_corrupt, "does not hold a vocab_size from 1 to 65536", "write {\"vocab_size\": 50257}",
                  path.string());
    }
    if (context.tokenizer && context.tokenizer->ready()) return context.tokenizer->vocab_size();
    if (context.vocab_limit > 0) return context.vocab_limit;
    throw Error(Code::missing_key, "the dataset \"token_bin\" does not know its vocabulary's size",
                "set dataset.vocab_size (GPT-2's is 50257), or put meta.json with {\"vocab_size\": N} beside train.bin");
  }

  [[noreturn]] void refuse_id(const TokenFile& file, int64_t token, int64_t id) const {
    throw Error(
        Code::token_out_of_range,
        "the id " + std::to_string(id) + " at token " + std::to_string(token) + " (byte " + std::to_string(2 * token) +
            ") is not below the vocabulary's size " + std::to_string(limit_),
        "the vocabulary must be that of the tokenizer the file was made with: see dataset.vocab_size and model.vocab_size",
        file.path());
  }

  std::string path_;
  int64_t vocab_ = 0;
  int64_t limit_ = 0;  // ids that are read must be below

  TokenFile files_[2];
  TokenWindows windows_[2];
  std::vector<uint16_t> piece_;
};

void setup(Registrar& r) {
  r.dataset<TokenBin>("token_bin", "nanoGPT's train.bin and val.bin of uint16 token ids");
}

}  // namespace

GPTCORE_PLUGIN("token_bin", GPTCORE_VERSION, setup)
