// A tokenizer of SDK epoch 1: every byte is the token 0.
#include "tests/abi/epoch1/gptcore_frozen.h"

struct Blank final : gptcore::Tokenizer {
  int64_t vocab_size() const override { return 1; }
  std::vector<int32_t> encode(std::string_view text) const override { return std::vector<int32_t>(text.size(), 0); }
  std::string decode(std::span<const int32_t> ids) const override { return std::string(ids.size(), '0'); }
};

static void setup(gptcore::Registrar& r) {
  r.tokenizer<Blank>("blank", "every byte is one token");
}
GPTCORE_PLUGIN("blank", "0.1.0", setup)
