// One token a byte: 256 ids, any text, nothing to learn.
#include <string>
#include <vector>

#include "gptcore/plugin.h"

namespace {

class Byte final : public gptcore::Tokenizer {
 public:
  int64_t vocab_size() const override { return 256; }

  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> ids(text.size());
    for (size_t i = 0; i < text.size(); ++i) ids[i] = static_cast<unsigned char>(text[i]);
    return ids;
  }

  std::string decode(std::span<const int32_t> ids) const override {
    std::string text;
    for (const int32_t id : ids) {
      if (id < 0 || id > 255)
        throw gptcore::Error(gptcore::Code::token_out_of_range, "token " + std::to_string(id) + " is not a byte (0 to 255)");
      text += static_cast<char>(id);
    }
    return text;
  }
};

void setup(gptcore::Registrar& r) {
  r.tokenizer<Byte>("byte", "one token a byte; any text, 256 ids");
}

}  // namespace

GPTCORE_PLUGIN("byte", GPTCORE_VERSION, setup)
