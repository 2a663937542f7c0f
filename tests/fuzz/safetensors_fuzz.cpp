// Any bytes, taken for a safetensors file, are refused with an Error or described without contradiction.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/checkpoint/safetensors_header.h"
#include "gptcore/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

// The bytes are taken as they are, and as a header whose length is right, before as much data as the last two bytes say.
void check(const std::string& text, uint64_t file_size) {
  try {
    const auto header = gptcore::parse_header(std::as_bytes(std::span(text.data(), text.size())), file_size, "fuzz");
    uint64_t end = header.data_start;
    for (const auto& tensor : header.tensors) {
      require(tensor.offset == end && !tensor.name.empty() && tensor.shape.size() <= gptcore::kMaxDimensions);
      end += tensor.bytes;
    }
    require(end == file_size);
  } catch (const gptcore::Error& e) {
    require(e.code() == gptcore::Code::checkpoint_corrupt);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check(text, size);
  if (size < 2) return 0;
  const uint64_t length = size - 2;
  std::string framed(8, '\0');
  std::memcpy(framed.data(), &length, 8);
  framed += text.substr(0, length);
  check(framed, framed.size() + data[size - 2] * uint64_t{256} + data[size - 1]);
  return 0;
}
