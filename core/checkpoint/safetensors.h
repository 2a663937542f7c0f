// Reads and writes safetensors files without holding one in memory: tensors go between the file and the caller's memory.
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

// An open file whose header has been checked. Its const methods may be called from any thread.
class SafetensorsFile {
 public:
  // Throw Error(io) when it cannot be opened, Error(checkpoint_corrupt) when it is not a valid file.
  explicit SafetensorsFile(const std::filesystem::path& path);
  SafetensorsFile(FileSystem& files, const std::filesystem::path& path);
  SafetensorsFile(SafetensorsFile&&) noexcept;
  ~SafetensorsFile();

  const std::vector<TensorInfo>& tensors() const { return header_.tensors; }  // in the file's order
  const Metadata& metadata() const { return header_.metadata; }
  uint64_t size() const;  // of the file, in bytes
  // Null when there is none of that name.
  const TensorInfo* find(std::string_view name) const;
  // Fills `out`, whose `size` must be the tensor's. Throws Error(checkpoint_mismatch) when it is not or there is no such
  // tensor, Error(checkpoint_corrupt) when the file has become shorter.
  void read_into(std::string_view name, void* out, uint64_t size) const;
  // xxh3 (128 bits, hex) of the tensor's data.
  std::string hash(const TensorInfo& tensor) const;

 private:
  void read_at(const TensorInfo& tensor, uint64_t offset, std::span<std::byte> out) const;

  std::string path_;
  std::unique_ptr<ReadableFile> file_;
  SafetensorsHeader header_;
};

// A tensor to save: dense, in row order, and staying as it is during the call.
struct TensorSource {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
  const void* data = nullptr;
  // Where there is no `data`: fills `out` with what is at `offset` bytes. `out` has whole elements, kPieceBytes at most.
  std::function<void(uint64_t offset, std::span<std::byte> out)> read = {};
};

struct WrittenFile {
  uint64_t size = 0;
  std::string xxh3;
};

// The size of the file that write_safetensors would write.
uint64_t safetensors_size(const std::vector<TensorSource>& tensors, const Metadata& metadata);

// Makes the new file `path`, flushed to disk. Tensors of larger elements come first, so that all are aligned, then by name:
// equal content gives equal bytes. Copies no tensor as a whole. Throws Error(io) or Error(disk_full), leaving the unfinished
// file to the caller.
WrittenFile write_safetensors(FileSystem& files, const std::filesystem::path& path, const std::vector<TensorSource>& tensors,
                              const Metadata& metadata = {});

}  // namespace gptcore
