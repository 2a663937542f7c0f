// The number types that weights have in files.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>

namespace gptcore {

enum class FileType { f32, f16, bf16 };

inline at::ScalarType scalar_type(FileType type) {
  return type == FileType::f32 ? at::kFloat : type == FileType::f16 ? at::kHalf : at::kBFloat16;
}

// Returns a tensor on the CPU as the file has it: dense, of that type.
inline at::Tensor in_file_type(const at::Tensor& tensor, FileType type) {
  return tensor.to(scalar_type(type)).contiguous();
}

// Return the bytes of a dense tensor on the CPU.
inline std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

inline std::span<std::byte> writable_bytes_of(const at::Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.mutable_data_ptr()), tensor.nbytes()};
}

}  // namespace gptcore
