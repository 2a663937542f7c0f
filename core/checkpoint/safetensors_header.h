// The header of a safetensors file: 8 bytes of length (little endian), then JSON that gives each tensor's dtype, shape and
// place. Everything in it is untrusted until parse_header has returned. docs/checkpoint.md has the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gptcore {

enum class Dtype : uint8_t { boolean, u8, i8, i16, u16, f16, bf16, i32, u32, f32, f64, i64, u64 };

// "BOOL", "U8", ..., "BF16": the file's own spelling.
std::string_view dtype_name(Dtype dtype);
std::optional<Dtype> dtype_named(std::string_view name);
uint64_t dtype_bytes(Dtype dtype);

struct TensorInfo {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
  uint64_t offset = 0;  // from the start of the file
  uint64_t bytes = 0;
};

using Metadata = std::map<std::string, std::string>;

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  // by offset
  Metadata metadata;
  uint64_t data_start = 0;  // 8 + the header's length
};

constexpr uint64_t kMaxHeaderBytes = uint64_t{16} << 20;
constexpr size_t kMaxDimensions = 8;
constexpr size_t kMaxNameBytes = 256;

// Returns the JSON's length, from a file's first 8 bytes (fewer when the file is shorter), checked against the file's size and
// kMaxHeaderBytes. Throws Error(checkpoint_corrupt) at `where`, as parse_header does.
uint64_t header_length(std::span<const std::byte> first, uint64_t file_size, const std::string& where);

// `first` holds at least the length and the JSON of a file of `file_size` bytes; `where` names the file in errors.
// Throws Error(checkpoint_corrupt), which says why, unless the header is wholly valid and describes exactly this file.
SafetensorsHeader parse_header(std::span<const std::byte> first, uint64_t file_size, const std::string& where = {});

// Returns the length and JSON for tensors that lie one after the other in the given order, padded so that the data starts at a
// multiple of 8. Offset and bytes are ignored. Throws Error(internal) when parse_header would refuse the result.
std::string format_header(const std::vector<TensorInfo>& tensors, const Metadata& metadata);

}  // namespace gptcore
