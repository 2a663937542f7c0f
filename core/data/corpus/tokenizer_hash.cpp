#include "core/data/corpus/tokenizer_hash.h"

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "gptcore/error.h"

namespace gptcore {

std::string tokenizer_hash(const Tokenizer& tokenizer) {
  GPTCORE_ASSERT(tokenizer.ready(), "the tokenizer is ready");
  // Letters, numbers, spaces and marks of several scripts. A text that cannot be encoded counts as such.
  constexpr const char* kProbes[] = {
      "The quick brown fox, it's 1,234.5 metres; don't you'll we've?\n\n\tif (x != 0) { return; }",
      "Zażółć gęślą jaźń naïve Straße Привет мир 中文字符 日本語 العربية हिन्दी "
      "🙂 "
      "x²"};
  std::string text = std::to_string(tokenizer.vocab_size()) + "\n" + tokenizer.save();
  for (const char* probe : kProbes) {
    text += "\n";
    try {
      for (const int32_t id : tokenizer.encode(probe)) text += std::to_string(id) + " ";
    } catch (const Error& e) {
      text += "GC" + std::to_string(static_cast<int>(e.code()));
    }
  }
  return sha256_hex(text);
}

}  // namespace gptcore
