// Any bytes, taken for a tokenizer.json, are refused with an Error or give a tokenizer that decodes what it encodes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "bpe/byte_text.h"
#include "bpe/encoder.h"
#include "bpe/tokenizer_json.h"
#include "gptcore/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using namespace gptcore;

void require(bool claim) {
  if (!claim) std::abort();
}

void check(const std::string& json, const std::string& text) {
  try {
    const auto vocabulary = bpe::parse_tokenizer_json(json, "fuzz");
    const std::string saved = bpe::format_tokenizer_json(vocabulary);
    require(bpe::format_tokenizer_json(bpe::parse_tokenizer_json(saved, "fuzz")) == saved);
    const bpe::Encoder encoder(vocabulary);
    for (const auto rule : {bpe::InvalidUtf8::tiktoken, bpe::InvalidUtf8::split}) {
      std::vector<int32_t> ids;
      encoder.encode(text, rule, ids);
      require(encoder.decode(ids) == text);
    }
  } catch (const Error& e) {
    require(e.code() == Code::data_corrupt || e.code() == Code::conflict);
  }
}

// "token": id, ... of every byte.
std::string all_bytes() {
  std::string out;
  int id = 0;
  for (const uint8_t byte : bpe::bytes_in_order()) {
    const std::string c(1, static_cast<char>(byte));
    out += (c == "\"" || c == "\\" ? "\"\\" + c : "\"" + bpe::printable_of(c)) + "\":" + std::to_string(id++) + ",";
  }
  return out;
}

// A file with every byte in its vocabulary, to which `tokens` and `merges` are added as they are.
std::string file_with(const std::string& tokens, const std::string& merges) {
  static const std::string bytes = all_bytes();
  return R"({"pre_tokenizer":{"type":"ByteLevel"},"decoder":{"type":"ByteLevel"},"model":{"vocab":{)" + bytes + "\"ab\":256" +
         tokens + "},\"merges\":[\"a b\"" + merges + "]}}";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (size % 2 == 0) {
    check(text, text);
    return 0;
  }
  const size_t half = text.find('\n');
  check(file_with(text.substr(0, half), half == std::string::npos ? "" : text.substr(half + 1)), text);
  return 0;
}
