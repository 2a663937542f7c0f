#include "core/data/corpus/shard_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/base/hash.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBuffer = size_t{1} << 20;
constexpr const char* kNames[] = {"gptcore", "nanogpt", "llmc", "npy"};

TokenFormat header_of(ShardFormat format) {
  return format == ShardFormat::llmc ? TokenFormat::llmc : format == ShardFormat::npy ? TokenFormat::npy : TokenFormat::raw;
}

fs::path unfinished(const fs::path& path) {
  return path.string() + ".tmp";
}

void write_all(int file, std::string_view bytes, off_t at, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = at < 0 ? ::write(file, bytes.data(), bytes.size()) : ::pwrite(file, bytes.data(), bytes.size(), at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_file_error(errno, "write", path);
    bytes.remove_prefix(static_cast<size_t>(put));
    if (at >= 0) at += put;
  }
}

}  // namespace

ShardFormat shard_format(const std::string& name) {
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (name == kNames[i]) return static_cast<ShardFormat>(i);
  throw Error(Code::usage, "no format '" + name + "'", "there are gptcore, nanogpt, llmc and npy");
}

const char* name_of(ShardFormat format) {
  return kNames[static_cast<size_t>(format)];
}

uint64_t header_bytes(ShardFormat format) {
  return format == ShardFormat::llmc ? kLlmcHeaderBytes : format == ShardFormat::npy ? kNpyHeaderBytes : 0;
}

ShardWriter::ShardWriter(const fs::path& folder, Split split, const ShardOptions& options, std::vector<ShardInfo> done,
                         std::function<void(const ShardInfo&)> finished)
    : folder_(folder), split_(split), options_(options), shards_(std::move(done)), finished_(std::move(finished)) {
  if (options_.format == ShardFormat::nanogpt) options_.tokens_per_shard = std::numeric_limits<int64_t>::max();
  if (options_.format == ShardFormat::llmc)  // its header counts with 32 bits
    options_.tokens_per_shard = std::min<int64_t>(options_.tokens_per_shard, std::numeric_limits<int32_t>::max());
  if (!shards_.empty()) resume_token_ = shards_.back().next_token;
}

ShardWriter::~ShardWriter() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(unfinished(folder_ / shard_name(".bin")).c_str());
}

std::string ShardWriter::shard_name(const char* ending) const {
  if (options_.format == ShardFormat::nanogpt) return std::string(name_of(split_)) + ending;
  char number[16];
  std::snprintf(number, sizeof number, "_%06zu", shards_.size());
  return name_of(split_) + std::string(number) + ending;
}

void ShardWriter::add(int64_t number, std::span<const uint32_t> ids) {
  if (number < next_document()) return;
  document_ = number;
  used_ = number == next_document() && !shards_.empty() ? std::exchange(resume_token_, 0) : 0;
  const auto in = std::min(static_cast<size_t>(used_), ids.size());
  add_piece(ids.subspan(in), in == 0);
}

void ShardWriter::add_piece(std::span<const uint32_t> ids, bool starts) {
  while (!ids.empty()) {
    if (file_ < 0) begin();
    if (starts) starts_.push_back(static_cast<uint64_t>(tokens_));
    starts = false;
    const size_t count = std::min(ids.size(), static_cast<size_t>(options_.tokens_per_shard - tokens_));
    write(ids.first(count));
    ids = ids.subspan(count);
    used_ += static_cast<int64_t>(count);
    if (tokens_ == options_.tokens_per_shard) end(ids.empty() ? document_ + 1 : document_, ids.empty() ? 0 : used_);
  }
}

void ShardWriter::begin() {
  const fs::path path = unfinished(folder_ / shard_name(".bin"));
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) throw_file_error(errno, "create", path);
  starts_.clear();
  buffer_ = token_header(header_of(options_.format), options_.width, options_.tokens_per_shard);
}

void ShardWriter::write(std::span<const uint32_t> ids) {
  const auto width = static_cast<size_t>(options_.width);
  for (size_t at = 0; at < ids.size();) {
    const size_t count = std::min(ids.size() - at, kBuffer / width), before = buffer_.size();
    buffer_.resize(before + count * width);
    char* to = buffer_.data() + before;
    for (size_t i = 0; i < count; ++i, to += width) {
      max_id_ = std::max(max_id_, ids[at + i] & ~options_.flag);
      std::memcpy(to, &ids[at + i], width);  // little-endian
    }
    at += count;
    if (buffer_.size() >= kBuffer) flush();
  }
  tokens_ += static_cast<int64_t>(ids.size());
}

void ShardWriter::flush() {
  write_all(file_, buffer_, -1, unfinished(folder_ / shard_name(".bin")));
  buffer_.clear();
}

void ShardWriter::end(int64_t next_document, int64_t next_token) {
  flush();
  const fs::path open = unfinished(folder_ / shard_name(".bin"));
  const std::string header = token_header(header_of(options_.format), options_.width, tokens_);
  if (!header.empty() && tokens_ != options_.tokens_per_shard) write_all(file_, header, 0, open);
  if (::fsync(file_) != 0) throw_file_error(errno, "flush to disk", open);
  if (::close(std::exchange(file_, -1)) != 0) throw_file_error(errno, "close", open);

  ShardInfo shard;
  shard.name = shard_name(options_.format == ShardFormat::npy ? ".npy" : ".bin");
  shard.tokens = tokens_;
  shard.documents = static_cast<int64_t>(starts_.size());
  shard.max_id = std::exchange(max_id_, 0);
  shard.sha256 = sha256_hex_of_file(open);
  shard.next_document = next_document;
  shard.next_token = next_token;
  const auto files = posix_file_system();
  if (options_.format == ShardFormat::gptcore) {
    const std::string_view bytes(reinterpret_cast<const char*>(starts_.data()), starts_.size() * sizeof(uint64_t));
    write_file_atomically(*files, folder_ / shard_name(".docs"), bytes);
    shard.documents_sha256 = sha256_hex(bytes);
  }
  files->rename(open, folder_ / shard.name);
  files->sync_directory(folder_);
  tokens_ = 0;
  shards_.push_back(shard);
  if (finished_) finished_(shards_.back());
}

void ShardWriter::finish() {
  if (file_ >= 0) end(document_ + 1, 0);
}

}  // namespace gptcore
