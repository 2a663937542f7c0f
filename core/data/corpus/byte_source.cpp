// Plain, gzip and zstd files behind one interface.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "core/data/corpus/line_reader.h"
#include "gptcore/error.h"
#include "gptcore/lfs_pointer.h"

namespace gptcore {
namespace {

constexpr size_t kPiece = size_t{1} << 18;

// Reads the file's own bytes. Notices when the file changes meanwhile.
class RawFile {
 public:
  explicit RawFile(const std::filesystem::path& path)
      : path_(path.string()), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0)
      throw Error(Code::data_missing, std::string("cannot open the file: ") + std::strerror(errno), "check the path", path_);
    ::posix_fadvise(file_, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (::fstat(file_, &opened_) != 0 || S_ISDIR(opened_.st_mode)) {
      ::close(file_);
      throw Error(Code::data_missing, "is not a file", "name the files in it", path_);
    }
  }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;
  ~RawFile() { ::close(file_); }

  const std::string& path() const { return path_; }
  int64_t position() const { return position_; }

  // Returns 0 at the end.
  size_t read(char* to, size_t count) {
    ssize_t got;
    do {
      got = ::read(file_, to, count);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
      throw Error(Code::data_corrupt, "cannot read byte " + std::to_string(position_) + ": " + std::strerror(errno),
                  "check the disk", path_);
    if (got == 0) require_unchanged();
    position_ += got;
    return static_cast<size_t>(got);
  }

  // Returns the first bytes, which read() returns again.
  std::string head() {
    char bytes[4];
    const ssize_t got = ::pread(file_, bytes, sizeof bytes, 0);
    return {bytes, static_cast<size_t>(got > 0 ? got : 0)};
  }

 private:
  void require_unchanged() const {
    struct stat now {};
    const bool same = ::fstat(file_, &now) == 0 && now.st_size == opened_.st_size &&
                      now.st_mtim.tv_sec == opened_.st_mtim.tv_sec && now.st_mtim.tv_nsec == opened_.st_mtim.tv_nsec;
    if (S_ISREG(opened_.st_mode) && (!same || position_ != opened_.st_size))
      throw Error(Code::data_corrupt, "the file was changed while it was read", "start again when it is complete", path_);
  }

  std::string path_;
  int file_;
  struct stat opened_ {};
  int64_t position_ = 0;
};

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(std::unique_ptr<RawFile> file) : file_(std::move(file)) {}
  bool read(std::string& out) override {
    const bool first = file_->position() == 0;
    const size_t before = out.size();
    out.resize(before + kPiece);
    const size_t got = file_->read(out.data() + before, kPiece);
    out.resize(before + got);
    if (first) refuse_lfs_pointer(std::string_view(out).substr(before), Code::data_missing, file_->path());
    return got > 0;
  }
  bool packed() const override { return false; }
  int64_t position() const override { return file_->position(); }

 private:
  std::unique_ptr<RawFile> file_;
};

[[noreturn]] void refuse_packed(const RawFile& file, const char* what, const std::string& why) {
  throw Error(Code::data_corrupt,
              std::string("the ") + what + " data is damaged near byte " + std::to_string(file.position()) + ": " + why,
              "copy or download it again", file.path());
}

// Decompresses one or several gzip members.
class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(std::unique_ptr<RawFile> file) : file_(std::move(file)), in_(kPiece) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  ~GzipSource() override { inflateEnd(&stream_); }

  bool read(std::string& out) override {
    const size_t before = out.size();
    while (out.size() == before) {
      if (stream_.avail_in == 0) {
        stream_.next_in = reinterpret_cast<Bytef*>(in_.data());
        stream_.avail_in = static_cast<uInt>(file_->read(in_.data(), in_.size()));
        if (stream_.avail_in == 0 && inside_) refuse_packed(*file_, "gzip", "it is truncated");
        if (stream_.avail_in == 0) return false;
      }
      inside_ = true;
      out.resize(before + kPiece);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      stream_.avail_out = kPiece;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      out.resize(before + kPiece - stream_.avail_out);
      if (code == Z_STREAM_END) {
        inside_ = false;
        if (inflateReset(&stream_) != Z_OK) refuse_packed(*file_, "gzip", "it cannot continue");
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        refuse_packed(*file_, "gzip", stream_.msg ? stream_.msg : "wrong check sum");
      }
    }
    return true;
  }
  int64_t position() const override { return file_->position(); }

 private:
  std::unique_ptr<RawFile> file_;
  std::vector<char> in_;
  z_stream stream_{};
  bool inside_ = true;  // a member is expected, or has begun and not ended
};

// Decompresses one or several zstd frames.
class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<RawFile> file) : file_(std::move(file)), stream_(ZSTD_createDStream()), in_(kPiece) {
    if (!stream_) throw std::bad_alloc();
  }

  bool read(std::string& out) override {
    const size_t before = out.size();
    while (out.size() == before) {
      if (input_.pos == input_.size && !more_) {
        input_ = {in_.data(), file_->read(in_.data(), in_.size()), 0};
        if (input_.size == 0 && inside_) refuse_packed(*file_, "zstd", "it is truncated");
        if (input_.size == 0) return false;
      }
      out.resize(before + kPiece);
      ZSTD_outBuffer output{out.data() + before, kPiece, 0};
      const size_t left = ZSTD_decompressStream(stream_.get(), &output, &input_);
      out.resize(before + output.pos);
      if (ZSTD_isError(left)) refuse_packed(*file_, "zstd", ZSTD_getErrorName(left));
      inside_ = left != 0;
      more_ = inside_ && output.pos == output.size;
    }
    return true;
  }
  int64_t position() const override { return file_->position(); }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<RawFile> file_;
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  std::vector<char> in_;
  ZSTD_inBuffer input_{nullptr, 0, 0};
  bool inside_ = true;  // a frame is expected, or has begun and not ended
  bool more_ = false;   // bytes of a frame may be waiting in the decoder
};

// Returns whether a file begins with `magic`. A truncated beginning suffices when the file's name ends with `ending`.
bool begins(std::string_view head, std::string_view magic, const std::filesystem::path& path, const char* ending) {
  return head.starts_with(magic) || (magic.starts_with(head) && path.extension() == ending);
}

// pzstd writes such a frame, without data, before each frame of data.
bool is_skippable_frame(std::string_view head) {
  return head.size() == 4 && (head[0] & 0xf0) == 0x50 && head.substr(1) == "\x2a\x4d\x18";
}

}  // namespace

std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path) {
  auto file = std::make_unique<RawFile>(path);
  const std::string head = file->head();
  if (begins(head, "\x1f\x8b", path, ".gz")) return std::make_unique<GzipSource>(std::move(file));
  if (begins(head, "\x28\xb5\x2f\xfd", path, ".zst") || is_skippable_frame(head))
    return std::make_unique<ZstdSource>(std::move(file));
  return std::make_unique<PlainSource>(std::move(file));
}

}  // namespace gptcore
