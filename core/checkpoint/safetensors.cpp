#include "core/checkpoint/safetensors.h"

#include <algorithm>
#include <utility>

#include "core/base/file_system.h"
#include "core/base/hash.h"
#include "gptcore/error.h"
#include "gptcore/lfs_pointer.h"

namespace gptcore {
namespace {

SafetensorsHeader read_header(const ReadableFile& file, const std::string& path) {
  std::vector<std::byte> first(kLfsPointerStart);
  first.resize(file.read_at(0, first));
  refuse_lfs_pointer({reinterpret_cast<const char*>(first.data()), first.size()}, Code::checkpoint_missing, path);
  first.resize(std::min<size_t>(first.size(), 8));
  first.resize(8 + header_length(first, file.size(), path));
  first.resize(file.read_at(0, first));
  return parse_header(first, file.size(), path);
}

// The content to write, in the file's order.
struct Layout {
  std::vector<TensorSource> tensors;
  std::vector<uint64_t> bytes;
  std::string header;
};

Layout lay_out(const std::vector<TensorSource>& tensors, const Metadata& metadata) {
  Layout layout{tensors, {}, {}};
  std::sort(layout.tensors.begin(), layout.tensors.end(), [](const TensorSource& a, const TensorSource& b) {
    return std::pair(dtype_bytes(b.dtype), std::string_view(a.name)) <
           std::pair(dtype_bytes(a.dtype), std::string_view(b.name));
  });
  std::vector<TensorInfo> infos;
  for (const TensorSource& tensor : layout.tensors) {
    infos.push_back({tensor.name, tensor.dtype, tensor.shape, 0, 0});
    uint64_t bytes = dtype_bytes(tensor.dtype);
    for (const int64_t dimension : tensor.shape) bytes *= static_cast<uint64_t>(dimension);
    layout.bytes.push_back(bytes);
  }
  layout.header = format_header(infos, metadata);  // throws for shapes whose size overflows
  return layout;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : SafetensorsFile(*posix_file_system(), path) {}

SafetensorsFile::SafetensorsFile(FileSystem& files, const std::filesystem::path& path)
    : path_(path.string()), file_(files.open(path)), header_(read_header(*file_, path_)) {}

SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile::~SafetensorsFile() = default;

uint64_t SafetensorsFile::size() const {
  return file_->size();
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const {
  const auto found = std::find_if(header_.tensors.begin(), header_.tensors.end(),
                                  [&](const TensorInfo& tensor) { return tensor.name == name; });
  return found == header_.tensors.end() ? nullptr : &*found;
}

void SafetensorsFile::read_into(std::string_view name, void* out, uint64_t size) const {
  const TensorInfo* tensor = find(name);
  if (!tensor) throw Error(Code::checkpoint_mismatch, "there is no tensor '" + std::string(name) + "'", "", path_);
  if (tensor->bytes != size) {
    throw Error(Code::checkpoint_mismatch,
                "tensor '" + tensor->name + "' has " + std::to_string(tensor->bytes) + " bytes where " + std::to_string(size) +
                    " were expected",
                "", path_);
  }
  read_at(*tensor, 0, {static_cast<std::byte*>(out), size});
}

std::string SafetensorsFile::hash(const TensorInfo& tensor) const {
  Xxh3 hash;
  std::vector<std::byte> piece(std::min<uint64_t>(kPieceBytes, tensor.bytes));
  for (uint64_t offset = 0; offset < tensor.bytes; offset += piece.size()) {
    piece.resize(std::min<uint64_t>(piece.size(), tensor.bytes - offset));
    read_at(tensor, offset, piece);
    hash.update(piece);
  }
  return hash.hex();
}

void SafetensorsFile::read_at(const TensorInfo& tensor, uint64_t offset, std::span<std::byte> out) const {
  const size_t got = file_->read_at(tensor.offset + offset, out);
  if (got == out.size()) return;
  throw Error(Code::checkpoint_corrupt,
              "the file ends at byte " + std::to_string(tensor.offset + offset + got) + ", inside tensor '" + tensor.name + "'",
              "it was truncated after it was opened", path_);
}

uint64_t safetensors_size(const std::vector<TensorSource>& tensors, const Metadata& metadata) {
  const Layout layout = lay_out(tensors, metadata);
  uint64_t size = layout.header.size();
  for (const uint64_t bytes : layout.bytes) size += bytes;
  return size;
}

WrittenFile write_safetensors(FileSystem& files, const std::filesystem::path& path, const std::vector<TensorSource>& tensors,
                              const Metadata& metadata) {
  const Layout layout = lay_out(tensors, metadata);
  const auto file = files.create(path);
  Xxh3 hash;
  uint64_t size = 0;
  const auto write = [&](std::span<const std::byte> bytes) {
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), kPieceBytes))) {
      const auto piece = bytes.first(std::min(bytes.size(), kPieceBytes));
      hash.update(piece);  // before the write, which may displace the piece from the cache
      file->write(piece);
      size += piece.size();
    }
  };
  write(bytes_of(layout.header));
  for (size_t i = 0; i < layout.tensors.size(); ++i) {
    const TensorSource& tensor = layout.tensors[i];
    if (!tensor.read) {
      write({static_cast<const std::byte*>(tensor.data), layout.bytes[i]});
      continue;
    }
    std::vector<std::byte> piece(std::min<uint64_t>(kPieceBytes, layout.bytes[i]));
    for (uint64_t offset = 0; offset < layout.bytes[i]; offset += piece.size()) {
      piece.resize(std::min<uint64_t>(piece.size(), layout.bytes[i] - offset));
      tensor.read(offset, piece);
      write(piece);
    }
  }
  file->sync();
  file->close();
  return {size, hash.hex()};
}

}  // namespace gptcore
