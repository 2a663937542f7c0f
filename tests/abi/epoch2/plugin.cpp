// A tokenizer of SDK epoch 2: every byte is one token.
#include "tests/abi/epoch2/gptcore_frozen.h"

struct Blank final : gptcore::Tokenizer {
  int64_t token = 0;
  static void schema(gptcore::Schema<Blank>& s) {
    s.param("token", &Blank::token, "the token that every byte becomes").range(0, 100);
  }
  int64_t vocab_size() const override { return token + 1; }
  std::vector<int32_t> encode(std::string_view text) const override {
    return std::vector<int32_t>(text.size(), static_cast<int32_t>(token));
  }
  std::string decode(std::span<const int32_t> ids) const override {
    for (const int32_t id : ids)
      if (id != token) throw std::runtime_error("only " + std::to_string(token) + " has a text");
    return std::string(ids.size(), '0');
  }
};

static void setup(gptcore::Registrar& r) {
  r.tokenizer<Blank>("blank", "every byte is one token");
}
GPTCORE_PLUGIN("blank", "0.1.0", setup)
