// One token per byte: 256 ids, any text, nothing to learn.
#include <string>
#include <vector>

#include "bpe/tokenizer_json.h"
#include "gptcore/draft/tokenizer_json.h"
#include "gptcore/plugin.h"

namespace {

class Byte final : public gptcore::Tokenizer, gptcore::TokenizerJson {
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

  void* extension(std::string_view id) override { return extension_as<TokenizerJson>(this, id); }

  // Writes byte-level BPE without a merge.
  gptcore::Status tokenizer_json(std::string& out) noexcept override {
    return gptcore::guard([&] {
      gptcore::bpe::Vocabulary bytes;
      for (int byte = 0; byte < 256; ++byte) bytes.tokens.emplace_back(1, static_cast<char>(byte));
      out = gptcore::bpe::format_tokenizer_json(bytes);
    });
  }
};

void setup(gptcore::Registrar& r) {
  r.tokenizer<Byte>("byte", "one token a byte; any text, 256 ids");
}

}  // namespace

GPTCORE_PLUGIN("byte", GPTCORE_VERSION, setup)
