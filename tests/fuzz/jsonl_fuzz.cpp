// Any line is refused with an Error(data_corrupt), or is an object whose text fields are UTF-8.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gptcore/error.h"
#include "gptcore/utf8.h"
#include "plugins/dataset/documents/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string line(reinterpret_cast<const char*>(data), size);
  try {
    const nlohmann::json record = gptcore::datasets::parse_record(line);
    require(record.is_object());
    const std::string& text = gptcore::datasets::text_in(record, record.empty() ? "text" : record.begin().key());
    require(gptcore::find_invalid_utf8(text) == std::string::npos);
  } catch (const gptcore::Error& e) {
    require(e.code() == gptcore::Code::data_corrupt && e.where().empty());
  }
  return 0;
}
