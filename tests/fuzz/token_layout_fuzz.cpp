// Any bytes, taken for a file of tokens, are refused with an Error or have a layout that lies inside the file.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/data/corpus/token_layout.h"
#include "gptcore/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using namespace gptcore;

void require(bool claim) {
  if (!claim) std::abort();
}

void check(std::span<const std::byte> head, uint64_t size, TokenFormat format, int64_t width) {
  try {
    const TokenLayout layout = token_layout(head, size, format, width, "fuzz");
    require(layout.tokens > 0 && (layout.width == 2 || layout.width == 4));
    require(layout.start + static_cast<uint64_t>(layout.tokens) * static_cast<uint64_t>(layout.width) == size);
  } catch (const Error& e) {
    require(e.code() == Code::data_corrupt || e.code() == Code::data_empty);
    require(e.where() == "fuzz");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  for (const TokenFormat format : {TokenFormat::any, TokenFormat::raw, TokenFormat::llmc, TokenFormat::npy})
    for (const int64_t width : {2, 4}) check(bytes.first(std::min(size, kMostHeaderBytes)), size, format, width);
  // The same head of a file that is longer by what its last bytes say.
  if (size < 2 || size > kMostHeaderBytes) return 0;
  const uint64_t more = data[size - 2] * uint64_t{256} + data[size - 1];
  if (size == kMostHeaderBytes)
    for (const TokenFormat format : {TokenFormat::any, TokenFormat::npy}) check(bytes, size + more, format, 2);
  return 0;
}
