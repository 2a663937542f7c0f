// A tokenizer for conversations that can be worked out by hand.
#pragma once

#include <algorithm>
#include <array>
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
  std::string decode(std::span<const int32_t> ids) const override {
    std::string text;
    for (const int32_t id : ids)
      text += id < 256 ? std::string(1, static_cast<char>(id)) : kMarks[static_cast<size_t>(id - 256)];
    return text;
  }
  std::optional<int32_t> special(std::string_view name) const override {
    const auto found = std::find(kMarks.begin(), kMarks.end(), name);
    return found == kMarks.end() ? std::nullopt : std::optional(static_cast<int32_t>(256 + (found - kMarks.begin())));
  }
  static constexpr std::array<const char*, 5> kMarks = {"<|bos|>", "<|user_start|>", "<|user_end|>", "<|assistant_start|>",
                                                        "<|assistant_end|>"};
};

}  // namespace gptcore
