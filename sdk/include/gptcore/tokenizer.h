// Text to token ids and back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gptcore/host.h"

namespace gptcore {

// Calls come in this order: parameters are set, open(), then learn() or load() if !ready(), then the rest [any thread].
class Tokenizer {
 public:
  virtual ~Tokenizer();
  virtual void open(Host&) {}
  // False while a vocabulary must still be learned from the corpus (or loaded from a checkpoint).
  virtual bool ready() const { return true; }
  // Builds the vocabulary from all of the corpus. Called at most once, before anything is encoded.
  virtual void learn(std::string_view corpus) { static_cast<void>(corpus); }
  // Everything needed to encode and decode without the corpus; any bytes. Stored in checkpoints.
  virtual std::string save() const { return {}; }
  virtual void load(std::string_view saved) { static_cast<void>(saved); }

  virtual int64_t vocab_size() const = 0;
  // Throws Error(unknown_character) naming the character and its byte offset when it cannot be encoded.
  virtual std::vector<int32_t> encode(std::string_view text) const = 0;
  // Ids must be below vocab_size(). Bytes of one character may come from several ids.
  virtual std::string decode(std::span<const int32_t> ids) const = 0;
  // The id of a special token ("<|endoftext|>"), if there is one.
  virtual std::optional<int32_t> special(std::string_view name) const {
    static_cast<void>(name);
    return std::nullopt;
  }
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
