// Reads and writes safetensors files without holding one in memory: data moves between the file and the caller's memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/safetensors_header.h"

namespace gptcore {

class FileSystem;
class ReadableFile;

// An open file whose header has been checked. Any thread may call its const methods.
class SafetensorsFile {
 public:
  // Throw Error(io) when the file cannot be opened, Error(checkpoint_corrupt) when it is invalid.
  explicit SafetensorsFile(const std::filesystem::path& path);
  SafetensorsFile(FileSystem& files, const std::filesystem::path& path);
  SafetensorsFile(SafetensorsFile&&) noexcept;
  ~SafetensorsFile();

  const std::vector<TensorInfo>& tensors() const { return header_.tensors; }  // in the file's order
  const Metadata& metadata() const { return header_.metadata; }
  uint64_t size() const;  // of the file, in bytes
  // Returns the tensor of that name, or null.
  const TensorInfo* find(std::string_view name) const;
  // Fills `out`, whose `size` must be the tensor's. Throws Error(checkpoint_mismatch) when the size differs or there is no such
  // tensor, Error(checkpoint_corrupt) when the file was truncated after it was opened.
  void read_into(std::string_view name, void* out, uint64_t size) const;
  // Returns the xxh3 (128 bits, hex) of the tensor's data.
  std::string hash(const TensorInfo& tensor) const;

 private:
  void read_at(const TensorInfo& tensor, uint64_t offset, std::span<std::byte> out) const;

  std::string path_;
  std::unique_ptr<ReadableFile> file_;
  SafetensorsHeader header_;
};

// A tensor to save: dense, in row order, and unchanged during the call.
struct TensorSource {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
  const void* data = nullptr;
  // Used instead of `data`: fills `out` with the bytes from `offset` on. `out` has whole elements, kPieceBytes at most.
  std::function<void(uint64_t offset, std::span<std::byte> out)> read = {};
};

struct WrittenFile {
  uint64_t size = 0;
  std::string xxh3;
};

// Returns the size of the file that write_safetensors would write.
uint64_t safetensors_size(const std::vector<TensorSource>& tensors, const Metadata& metadata);

// Writes the new file `path` and flushes it to disk. Tensors of larger elements come first, so that all are aligned, then the
// order is by name: equal content gives equal bytes. No tensor is copied as a whole. Throws Error(io) or Error(disk_full) and
// leaves the unfinished file to the caller.
WrittenFile write_safetensors(FileSystem& files, const std::filesystem::path& path, const std::vector<TensorSource>& tensors,
                              const Metadata& metadata = {});

}  // namespace gptcore
