// A tokenizer for conversations that can be worked out by hand.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gptcore/tokenizer.h"

namespace gptcore {

// Bytes, and five marks from 256 on.
struct ChatBytes final : Tokenizer {
  int64_t vocab_size() const override { return 261; }
  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string decode(std::span<const int32_t>) const override { return {}; }
  std::optional<int32_t> special(std::string_view name) const override {
    const std::vector<std::string> marks = {"<|bos|>", "<|user_start|>", "<|user_end|>", "<|assistant_start|>",
                                            "<|assistant_end|>"};
    for (size_t i = 0; i < marks.size(); ++i)
      if (marks[i] == name) return static_cast<int32_t>(256 + i);
    return std::nullopt;
  }
};

}  // namespace gptcore
